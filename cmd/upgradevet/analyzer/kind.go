package analyzer

import "strings"

// kind is a kind of finding.
type kind struct {
	id   string // the Category of its diagnostics
	rule string // the section that the code departs from
	text string // what the code does, for the documentation
}

// The kinds. The first seven are about one field, the others about the switch.
var (
	wholeValue = &kind{"whole-value", "RFC 9110, section 5.6.1",
		"a field that is a list is compared as a whole: \"keep-alive, Upgrade\" is refused"}
	substring = &kind{"substring", "RFC 9110, section 5.6.1",
		"a field that is a list is searched for text: \"not-upgrade\" is accepted"}
	separator = &kind{"separator", "RFC 9110, section 5.6.1",
		"a field is split at something other than commas with optional blanks"}
	firstLine = &kind{"first-line", "RFC 9110, section 5.3",
		"only the first line of a field is read; a second line belongs to the same list"}
	letterCase = &kind{"letter-case", "RFC 9110, sections 7.6.1 and 7.8",
		"an option or a protocol name is compared in one letter case"}
	folding = &kind{"folding", "RFC 9110, sections 5.6.2 and 7.8",
		"a token is compared by Unicode folding: the Kelvin sign counts as k"}
	presence = &kind{"presence", "RFC 9110, section 7.8",
		"any Upgrade field counts as an offer of one protocol"}

	forwarded = &kind{"forwarded", "RFC 9110, section 7.6.1",
		"Upgrade or Connection of one connection is copied to another"}
	hopByHop = &kind{"hop-by-hop", "RFC 9110, section 7.6.1",
		"not all fields that Connection names are removed"}
	statusAlone = &kind{"status-alone", "RFC 9110, section 7.8",
		"a 101 counts as a switch, whatever protocol it names"}
	peerChoice = &kind{"peer-choice", "RFC 9110, section 7.8",
		"Upgrade of a 101 is compared as a whole with Upgrade of the request that a peer sent"}
	bodyAssertion = &kind{"body-assertion", "RFC 9110, section 15.2.2",
		"the Body of a response is asserted to be writable without a check"}
	earlyBytes = &kind{"early-bytes", "RFC 9110, section 7.8",
		"Hijack's reader is dropped, and with it the bytes that the client has already sent"}
	contentAfterHijack = &kind{"content-after-hijack", "RFC 9110, section 7.8",
		"the request's Body is read after Hijack"}
	noTakeOver = &kind{"no-take-over", "RFC 9110, section 15.2.2",
		"WriteHeader(101) is called, but the connection stays with the HTTP server"}
	responseVersion = &kind{"response-version", "RFC 9112, section 4",
		"an http.Response without a version is written: \"HTTP/0.0 101\""}
	headValues = &kind{"head-values", "RFC 9112, section 5",
		"the head of a 101 is written with unchecked values"}

	kinds = []*kind{wholeValue, substring, separator, firstLine, letterCase, folding, presence,
		forwarded, hopByHop, statusAlone, peerChoice, bodyAssertion, earlyBytes,
		contentAfterHijack, noTakeOver, responseVersion, headValues}
)

// doc returns the documentation of the Analyzer. Its first line is the title.
func doc() string {
	var b strings.Builder
	b.WriteString("find Upgrade and Connection handled by hand\n\n" +
		"The analyzer reports code that handles the Upgrade mechanism of HTTP by hand and gets\n" +
		"some request or response wrong. The kinds of findings:\n")
	for _, k := range kinds {
		b.WriteString("\n  " + k.id + ": " + k.text)
	}
	return b.String()
}
