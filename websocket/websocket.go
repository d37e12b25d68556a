// Package websocket holds the part of the WebSocket handshake that goes beyond a
// switch of protocols ([RFC 6455], section 4), on bytes and strings. For a server it
// checks the request ([Check], [CheckConnect]) and its origin ([SameOrigin]), answers the
// key ([AppendAccept]) and chooses a subprotocol ([SelectSubprotocol]). For a client it
// makes a key ([AppendKey]) and checks the answer ([CheckAccept], [CheckSubprotocol]).
//
// Packages handshake, httpupgrade and netupgrade make the switch itself. This package
// knows nothing of connections, messages or frames: to speak WebSocket, use a library
// that runs on a connection that has already switched. It is a package of its own so that
// only its users link SHA-1.
//
// Every function takes lines as package upgrade does, but without the blanks around them.
//
// [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455
package websocket

import (
	"crypto/sha1"
	"encoding/base64"

	"github.com/gosegue/upgrade"
)

// This file knows the server's side: what a request must have, and the answer to its
// key. It does not know the client's side, origins or subprotocols.

// Version is the only version of the protocol: the value of Sec-WebSocket-Version in a
// request, and in the 426 (Upgrade Required) response to a request of another version.
const Version = "13"

// Check returns nil if a request that offers websocket meets the requirements of that
// protocol. Otherwise it returns the first of [ErrMethod], [ErrVersion] and [ErrKey] that
// applies, always as an [Error]. version and key are the lines of Sec-WebSocket-Version
// and Sec-WebSocket-Key; each field must have exactly one line.
//
// Check does not look at the offer itself: package handshake does. It allocates nothing.
// It follows [RFC 6455, section 4.2.1].
//
// [RFC 6455, section 4.2.1]: https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
func Check[M, S upgrade.Text](method M, version, key []S) error {
	switch {
	case string(method) != "GET":
		return ErrMethod
	case !isVersion(version):
		return ErrVersion
	case len(key) != 1 || !isKey(key[0]):
		return ErrKey
	}
	return nil
}

// CheckConnect is [Check] for WebSocket over HTTP/2 and HTTP/3, where the request is an
// extended CONNECT: its method is CONNECT, and it needs no key and gets no answer to one.
// It returns nil, [ErrMethod] or [ErrVersion], and allocates nothing. It follows
// [RFC 8441, section 5].
//
// [RFC 8441, section 5]: https://www.rfc-editor.org/rfc/rfc8441#section-5
func CheckConnect[M, S upgrade.Text](method M, version []S) error {
	switch {
	case string(method) != "CONNECT":
		return ErrMethod
	case !isVersion(version):
		return ErrVersion
	}
	return nil
}

func isVersion[S upgrade.Text](lines []S) bool {
	return len(lines) == 1 && string(lines[0]) == Version
}

// The lengths of a key and of its answer: 16 and 20 bytes in base64.
const (
	keyLen    = 24
	acceptLen = 28
)

// isKey reports whether key is the base64 of 16 bytes.
//
//	Sec-WebSocket-Key  = base64-value-non-empty
//	base64-data        = 4base64-character
//	base64-padding     = (2base64-character "==") | (3base64-character "=")
//	base64-character   = ALPHA | DIGIT | "+" | "/"
//
// The last character before the padding stands for two bits of the key and for four
// bits that an encoder should leave zero (RFC 4648, section 3.5). isKey ignores those
// four: the RFC's own example of a key, "AQIDBAUGBwgJCgsMDQ4PEC==", sets one.
func isKey[S upgrade.Text](key S) bool {
	if len(key) != keyLen || key[22] != '=' || key[23] != '=' {
		return false
	}
	for i := range 22 {
		if !inBase64[key[i]] {
			return false
		}
	}
	return true
}

// inBase64 has the octets of base64-character. It is a table because the octets of a key
// are random: a processor would often mispredict comparisons.
var inBase64 = func() (chart [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		chart[c] = true
	}
	return chart
}()

// guid is the constant that a server adds to the key, to show that it understood the request
// (RFC 6455, section 1.3).
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// AppendAccept appends the value of Sec-WebSocket-Accept that answers key to dst and
// returns the result: 28 octets, the base64 of the SHA-1 of key and a constant. key
// is the value of Sec-WebSocket-Key as received. [Check] must have accepted it.
//
// It allocates only what dst needs to grow. It follows [RFC 6455, section 4.2.2].
//
// [RFC 6455, section 4.2.2]: https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
func AppendAccept[S upgrade.Text](dst []byte, key S) []byte {
	var room [keyLen + len(guid)]byte // a longer key, which fails Check, goes to the heap
	sum := sha1.Sum(append(append(room[:0], key...), guid...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// Accept returns what [AppendAccept] appends, as a string, which is one allocation.
func Accept[S upgrade.Text](key S) string {
	var room [acceptLen]byte
	return string(AppendAccept(room[:0], key))
}
