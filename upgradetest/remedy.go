package upgradetest

import "strings"

// This file knows what to change in a server that fails a check. It does not know how the
// fault shows.

// The remedies that many checks share.
const (
	parseUpgrade    = "Parse all Upgrade lines as one list of products, and take the offer only if the whole list is well-formed and names yours."
	parseConnection = "Parse all Connection lines as one list of tokens, and take the offer only if one of them is upgrade, in any letter case."
	foldASCII       = "Fold only ASCII letters when you compare, not Unicode, and trim only spaces and tabs."
	refuse400       = "Answer 400 and close the connection."
	checkHandshake  = "Check the method, the version and the key of a WebSocket handshake before you switch."
)

// remedyOf returns what to change in a server that fails the check of that ID.
func remedyOf(id string) string {
	if strings.HasPrefix(id, "client-") {
		return "Take the offer of every well-formed request, such as the one that this client sends, no matter what other fields it has. A proxy that changes Host makes a server refuse the Origin."
	}
	return remedies[id]
}

var remedies = map[string]string{
	"101-end":             "End the head of the 101 with an empty line, and keep it short: clients read 4 to 64 KiB of it.",
	"101-status-line":     "Write `HTTP/1.1 101 Switching Protocols`, with one space after the version and one after the code.",
	"101-lines":           "Write each field line as name, colon, space and value, and end it in CRLF.",
	"101-upgrade":         "Name the product that you switch to in an Upgrade line.",
	"101-upgrade-valid":   "Write the product as a token, with a slash and a second token if it has a version.",
	"101-offered":         "Switch to a product only if the request offers it, and name no other.",
	"101-upgrade-once":    "Write one Upgrade line with the one product; a proxy in front may be adding a second.",
	"101-connection":      "Write `Connection: Upgrade`.",
	"101-connection-once": "Write `Connection: Upgrade` and no other option.",
	"101-no-length":       "Leave Content-Length out of the 101.",
	"101-no-coding":       "Leave Transfer-Encoding out of the 101.",
	"101-first":           "Send other 1xx responses only where the client asks for them.",
	"101-nothing-after":   "Write no HTTP after the empty line of the 101: no content, no chunk and no second line end.",
	"101-open":            "Keep the connection open after the 101, and speak the new protocol on it.",

	"http-1.0":                     "Ignore Upgrade in an HTTP/1.0 request.",
	"http-2.0":                     "Answer 505 to a major version that you do not speak.",
	"no-upgrade":                   "Switch only if the request has an Upgrade field.",
	"upgrade-blank":                "Treat an Upgrade field without a product as no Upgrade field.",
	"upgrade-unknown":              "Switch only to products that you know.",
	"upgrade-unknown-ignored":      "Serve a request whose offer you do not take as if it had no Upgrade.",
	"upgrade-echoed":               "Write your own name of the product into the 101, not the value from the request.",
	"upgrade-part":                 "Compare whole tokens: do not search the value for the name.",
	"upgrade-other-version":        "Compare the version too: a name without a version and a name with one are two products.",
	"upgrade-kelvin":               foldASCII,
	"upgrade-long-s":               foldASCII,
	"upgrade-fullwidth":            foldASCII,
	"upgrade-nbsp":                 foldASCII,
	"upgrade-nel":                  foldASCII,
	"upgrade-quoted":               parseUpgrade,
	"upgrade-parameter":            parseUpgrade,
	"upgrade-two-words":            parseUpgrade,
	"upgrade-neighbour":            parseUpgrade,
	"upgrade-neighbour-line":       parseUpgrade,
	"connection-missing":           parseConnection,
	"connection-other":             parseConnection,
	"connection-longer":            parseConnection,
	"connection-prefixed":          parseConnection,
	"connection-insecure-requests": parseConnection,
	"connection-quoted":            parseConnection,
	"connection-blank":             parseConnection,
	"connection-semicolon":         parseConnection,
	"connection-nel":               foldASCII,
	"connection-control":           foldASCII,
	"connection-neighbour":         parseConnection,

	"upgrade-case":          "Compare the name of the product without regard to the case of ASCII letters.",
	"upgrade-list-first":    parseUpgrade,
	"upgrade-list-last":     parseUpgrade,
	"upgrade-list-version":  parseUpgrade,
	"upgrade-line-first":    parseUpgrade,
	"upgrade-line-last":     parseUpgrade,
	"upgrade-empty":         "Ignore empty elements of a list.",
	"connection-case":       "Compare options without regard to the case of ASCII letters.",
	"connection-list":       parseConnection,
	"connection-line-first": parseConnection,
	"connection-line-last":  parseConnection,
	"connection-empty":      "Ignore empty elements of a list.",
	"tabs":                  "Trim tabs as well as spaces, around values and around the elements of a list.",
	"field-name-case":       "Compare field names without regard to the case of ASCII letters.",
	"http-1.2":              "Treat a higher minor version as HTTP/1.1.",
	"octet-by-octet":        "Read on until the empty line comes, however the head is split.",
	"second-request":        "Take an offer in any request of a connection, not only in the first.",
	"absolute-form":         "Accept a target in absolute-form, and take host and path from it.",
	"length-zero":           "Treat a Content-Length of 0 as no content, whatever the method.",

	"content-length":    "Read the content of the request to its end before you switch.",
	"content-chunked":   "Read the chunks of the request, with the trailer, before you switch.",
	"expect-continue":   "Send 100 (Continue) and read the content before you send the 101.",
	"expect-case":       "Compare 100-continue without regard to the case of ASCII letters.",
	"expect-list":       "Parse Expect as a list, and ignore its empty elements.",
	"early-octets":      "Hand over the octets that your reader has buffered after the head, together with the connection.",
	"ignored-length":    "Read the content to its end, or close the connection, before you serve the next request.",
	"ignored-chunked":   "Read the chunks to their end, or close the connection, before you serve the next request.",
	"ignored-pipelined": "Keep the connection open after an offer that you ignore, or say that you close it.",

	"426-upgrade":           "In the Upgrade field of a 426, name the products that you want.",
	"426-connection":        "Write `Connection: Upgrade` wherever you write Upgrade.",
	"advertised-connection": "Write `Connection: Upgrade` wherever you write Upgrade.",
	"advertised-valid":      "Write the products as tokens, with commas between them.",

	"both-lengths":       "Close the connection after the answer, or refuse such a request with 400.",
	"two-lengths":        refuse400,
	"bad-length":         refuse400,
	"coding-not-chunked": refuse400,
	"coding-unknown":     "Answer 501 to a transfer coding that you do not know.",
	"blank-before-colon": "Answer 400.",
	"bare-cr":            "End lines at CRLF, and refuse a CR without LF.",
	"folded-line":        "Refuse a line that begins with a blank, or join it to the one before it.",
	"blank-first-line":   "Refuse a line that begins with a blank right after the request line, or drop it.",
	"nul":                "Refuse a field value with a NUL in it.",
	"host-missing":       "Answer 400.",
	"host-twice":         "Answer 400.",
	"host-malformed":     "Parse Host as a host and an optional port, and answer 400 if that fails.",

	"websocket-accept":           "Answer with one Sec-WebSocket-Accept: the base64 of the SHA-1 of the key and the GUID of RFC 6455.",
	"websocket-subprotocol":      "Name a subprotocol in the 101 only if the request offers it.",
	"websocket-subprotocol-one":  "Name at most one subprotocol, one that you speak and the request offers, in the spelling offered.",
	"websocket-extensions":       "List an extension in the 101 only if the request offers it.",
	"websocket-extensions-known": "List only offered extensions that you support, with only the parameters that the client allows.",
	"websocket-version":          "Take only version 13, and answer 426 or 400 with `Sec-WebSocket-Version: 13` to any other.",
	"websocket-version-list":     "Take a Sec-WebSocket-Version only if it is one line and exactly 13.",
	"websocket-version-told":     "Answer 426 or 400 with `Sec-WebSocket-Version: 13`.",
	"websocket-version-missing":  checkHandshake,
	"websocket-key-missing":      checkHandshake,
	"websocket-key-short":        "Take a key only if it decodes to 16 octets.",
	"websocket-key-malformed":    "Take a key only if it is base64 in the standard alphabet, with padding.",
	"websocket-keys":             "Take a handshake only if it has one Sec-WebSocket-Key.",
	"websocket-post":             "Take a WebSocket handshake only with GET.",
	"websocket-method":           "Take a WebSocket handshake only with GET, in capitals.",

	"h2-ignored":           "Do not switch to h2: over TCP, HTTP/2 is named h2c.",
	"h2c-settings-missing": "Switch to h2c only if the request has one HTTP2-Settings.",
	"h2c-settings-twice":   "Switch to h2c only if the request has one HTTP2-Settings.",
	"h2c-settings-unnamed": "Switch to h2c only if Connection names HTTP2-Settings.",
	"h2c-preface":          "Begin with a SETTINGS frame after the 101.",
	"h2c-over-tls":         "Do not switch to h2c over TLS: there, HTTP/2 is negotiated by ALPN.",
}
