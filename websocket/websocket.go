// Package websocket is the part of the WebSocket handshake that goes beyond a
// switch of protocols: the check of the request's own fields and the answer to its
// key (RFC 6455, section 4.2), on bytes and strings. It stands apart so that nobody
// else links SHA-1.
//
// The switch itself is package handshake's or httpupgrade's. Frames are none of its
// business: use a library that runs on a connection already switched.
package websocket

import (
	"crypto/sha1"
	"encoding/base64"

	"github.com/gosegue/upgrade"
)

// Version is the version of the protocol, the one there is: the value of
// Sec-WebSocket-Version in a request, and in the 426 (Upgrade Required) response to
// a request of any other.
const Version = "13"

// Error tells which of the requirements of RFC 6455, section 4.2.1, a request does
// not meet. It is for use with [errors.Is] or a switch.
type Error uint8

// What a request may fail in, with the response it deserves.
const (
	ErrMethod  Error = iota + 1 // the method is not GET: 405 (Method Not Allowed) with Allow: GET
	ErrVersion                  // Sec-WebSocket-Version is not 13: 426 (Upgrade Required) with Sec-WebSocket-Version: 13
	ErrKey                      // Sec-WebSocket-Key is not the base64 of 16 bytes: 400 (Bad Request)
)

// Error returns which requirement it was.
func (e Error) Error() string {
	switch e {
	case ErrMethod:
		return "websocket: method is not GET"
	case ErrVersion:
		return "websocket: Sec-WebSocket-Version is not 13"
	case ErrKey:
		return "websocket: Sec-WebSocket-Key is not the base64 of 16 bytes"
	}
	return "websocket: bad request"
}

// Check reports whether a request that offers websocket meets what that protocol
// asks of it: nil, or the first of [ErrMethod], [ErrVersion] and [ErrKey] that it
// fails, always as an [Error]. version and key are the lines of its fields
// Sec-WebSocket-Version and Sec-WebSocket-Key, without blanks around the values;
// each must stand exactly once. The offer itself is not asked for here.
//
// Check allocates nothing. It follows [RFC 6455, section 4.2.1].
//
// [RFC 6455, section 4.2.1]: https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
func Check[S upgrade.Text](method string, version, key []S) error {
	switch {
	case method != "GET":
		return ErrMethod
	case len(version) != 1 || string(version[0]) != Version:
		return ErrVersion
	case len(key) != 1 || !isKey(key[0]):
		return ErrKey
	}
	return nil
}

// keyLen is the length of 16 bytes in base64.
const keyLen = 24

// isKey reports whether key is the base64 of 16 bytes.
//
//	Sec-WebSocket-Key  = base64-value-non-empty
//	base64-data        = 4base64-character
//	base64-padding     = (2base64-character "==") | (3base64-character "=")
//	base64-character   = ALPHA | DIGIT | "+" | "/"
//
// The last character before the padding stands for two bits of the key and four
// that an encoder should leave zero (RFC 4648, section 3.5). They are not looked
// at: the RFC's own example of a key, "AQIDBAUGBwgJCgsMDQ4PEC==", sets one.
func isKey[S upgrade.Text](key S) bool {
	if len(key) != keyLen || key[22] != '=' || key[23] != '=' {
		return false
	}
	for i := range 22 {
		switch c := key[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
		default:
			return false
		}
	}
	return true
}

// guid is what a server adds to the key, to show that it knows what it answers
// (RFC 6455, section 1.3).
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// AppendAccept appends the value of Sec-WebSocket-Accept that answers key to dst and
// returns the result: 28 octets, the base64 of the SHA-1 of key and a constant. key
// is the value of Sec-WebSocket-Key as it was received, which [Check] has passed.
//
// It allocates nothing but what dst needs to grow. It follows
// [RFC 6455, section 4.2.2].
//
// [RFC 6455, section 4.2.2]: https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
func AppendAccept[S upgrade.Text](dst []byte, key S) []byte {
	var room [keyLen + len(guid)]byte // a longer key, which fails Check, goes to the heap
	sum := sha1.Sum(append(append(room[:0], key...), guid...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}
