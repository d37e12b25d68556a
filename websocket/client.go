package websocket

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows the client's side: the key of a request, and the check of its answer.

// AppendKey appends a fresh value of Sec-WebSocket-Key to dst and returns the result: 24
// octets, the base64 of 16 random bytes from crypto/rand. Each connection needs its own.
//
// It allocates only what dst needs to grow. It follows [RFC 6455, section 4.1], item 7.
//
// [RFC 6455, section 4.1]: https://www.rfc-editor.org/rfc/rfc6455#section-4.1
func AppendKey(dst []byte) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, keyLen)...)
	// The random bytes go through dst: a local array as the argument of rand.Read
	// would be allocated on the heap.
	var nonce [16]byte
	if _, err := rand.Read(dst[n : n+len(nonce)]); err != nil {
		panic("websocket: no random bytes: " + err.Error()) // from Go 1.24 on rand.Read never fails
	}
	copy(nonce[:], dst[n:])
	return base64.StdEncoding.AppendEncode(dst[:n], nonce[:])
}

// CheckAccept returns nil if the lines of Sec-WebSocket-Accept in a 101 answer key, the
// value of Sec-WebSocket-Key that the client sent. Otherwise it returns [ErrAccept], as an
// [Error]: close the connection then. The field must have exactly one line, equal to
// [Accept] of key octet for octet; blanks around the value are ignored, as the RFC says.
//
// Call [handshake.Switched] first: CheckAccept does not check that the response switches
// at all. CheckAccept allocates nothing. It follows [RFC 6455, section 4.1], item 4 of
// the response.
//
// [RFC 6455, section 4.1]: https://www.rfc-editor.org/rfc/rfc6455#section-4.1
func CheckAccept[K, S upgrade.Text](key K, accept []S) error {
	if len(accept) != 1 {
		return ErrAccept
	}
	var room [acceptLen]byte
	if string(AppendAccept(room[:0], key)) != string(trim(accept[0])) {
		return ErrAccept
	}
	return nil
}

// CheckSubprotocol returns the subprotocol that the server chose, or "" if it chose none.
// lines are the lines of Sec-WebSocket-Protocol in a 101, offered the names that the client
// sent in its own Sec-WebSocket-Protocol. The result is one of offered.
//
// The error is [ErrSubprotocol], as an [Error], if there is more than one line, or the line
// is not one of offered octet for octet; blanks around it are ignored. Close the connection
// then. A client that needs a subprotocol also closes the connection after "".
//
// A response must switch before this check means anything. CheckSubprotocol allocates
// nothing. It follows [RFC 6455, section 4.1], item 6 of the response.
//
// [RFC 6455, section 4.1]: https://www.rfc-editor.org/rfc/rfc6455#section-4.1
func CheckSubprotocol[S upgrade.Text](lines []S, offered ...string) (string, error) {
	switch len(lines) {
	case 0:
		return "", nil
	case 1:
		chosen := trim(lines[0])
		for _, name := range offered {
			if name != "" && name == string(chosen) {
				return name, nil
			}
		}
	}
	return "", ErrSubprotocol
}

// trim returns value without the blanks around it.
func trim[S upgrade.Text](value S) S {
	for len(value) > 0 && octet.IsBlank(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && octet.IsBlank(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	return value
}
