package serve

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows for whom the page is: for a browser that was sent to this server by its
// own name, and for scripts that this server has given it.
//
// A site can give its own name the address of this server, and its page is then of the
// same origin as ours, as far as the browser can tell (DNS rebinding). Only Host gives it
// away. A site can also open a WebSocket here from its own origin: only Origin gives that
// away.

// errHost says why a request is refused that has another Host.
var errHost = errors.New("the field Host does not name this server")

// named reports whether Host names this server: localhost, an address of the loopback
// interface, the address that the connection came to, or one of s.Names. It may have any
// port, since what stands in front of the server, such as a proxy, has another one. A
// site that rebinds its name has the name in Host, whatever the port. Without Host it is
// a client of HTTP/1.0, and no browser.
func (s *Server) named(host string, local net.Addr) bool {
	name := hostname(host)
	if name == "" {
		return host == ""
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		own, _ := local.(*net.TCPAddr)
		return addr.IsLoopback() || own != nil && addr == own.AddrPort().Addr().Unmap().WithZone("")
	}
	for _, own := range append([]string{"localhost"}, s.Names...) {
		if octet.EqualFold(name, hostname(own)) {
			return true
		}
	}
	return false
}

// hostname returns a host without its port, and an IPv6 address without its brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	if name, found := strings.CutPrefix(host, "["); found {
		return strings.TrimSuffix(name, "]")
	}
	return host
}

// namedBy reports whether the Host of r names this server.
func (s *Server) namedBy(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return s.named(r.Host, local)
}

// keys are what the page has to know to see its own handshake, whose heads may hold
// secrets. Only this server can make one: it is a number that nobody can guess, and the
// proof that it came from here.
type keys struct{ secret [sha256.Size]byte }

const keyOctets = 16 // of the number, and of the proof

func newKeys() *keys {
	k := new(keys)
	rand.Read(k.secret[:]) // never fails
	return k
}

// fresh returns a new key, in hexadecimal digits.
func (k *keys) fresh() string {
	number := make([]byte, keyOctets)
	rand.Read(number)
	return hex.EncodeToString(append(number, k.proof(number)...))
}

func (k *keys) proof(number []byte) []byte {
	mac := hmac.New(sha256.New, k.secret[:])
	mac.Write(number)
	return mac.Sum(nil)[:keyOctets]
}

// keyTarget is the target of a handshake that the page wants to see. A key follows it.
const keyTarget = "/?handshake="

// of returns the key in a request target, or an empty string if there is none of ours.
func (k *keys) of(target string) string {
	text, found := strings.CutPrefix(target, keyTarget)
	key, err := hex.DecodeString(text)
	if !found || err != nil || len(key) != 2*keyOctets || !hmac.Equal(key[keyOctets:], k.proof(key[:keyOctets])) {
		return ""
	}
	return text
}
