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
	"github.com/gosegue/upgrade/internal/uri"
)

// This file knows who may see the page: a browser that asks for this server by one of the
// server's names, and the scripts of this server.
//
// Another site can let its own name resolve to the address of this server. For the browser,
// its page and ours then have the same origin (DNS rebinding). Only Host shows the
// difference. Another site can also open a WebSocket to this server from its own origin.
// Only Origin shows that.

// errHost is the reason to refuse a request for another Host.
var errHost = errors.New("the field Host does not name this server")

// named reports whether Host names this server: localhost, an address of the loopback
// interface, the address that the client connected to, or one of s.Names. The port does
// not matter: a proxy in front of the server has another one, and a site that rebinds its
// name cannot hide the name. A request without Host is HTTP/1.0, which browsers do not
// send.
func (s *Server) named(host string, local net.Addr) bool {
	name := hostname(host)
	if name == "" {
		return host == ""
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		own, _ := local.(*net.TCPAddr)
		if addr.IsLoopback() || own != nil && addr == own.AddrPort().Addr().Unmap().WithZone("") {
			return true
		}
	}
	for _, own := range append([]string{"localhost"}, s.Names...) {
		if sameName(name, hostname(own)) {
			return true
		}
	}
	return false
}

// sameName reports whether a and b are the same host name in any letter case, or the same
// IP address in any spelling.
func sameName(a, b string) bool {
	if addr, err := netip.ParseAddr(a); err == nil {
		other, err := netip.ParseAddr(b)
		return err == nil && addr == other
	}
	return octet.EqualFold(a, b)
}

// IsName reports whether name can be one of [Server.Names]: a host that is not empty, with
// or without a port. An IPv6 address may be without brackets.
func IsName(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Zone() == "" // RFC 9844: no zone in a URI
	}
	host := hostname(name)
	if _, valid := uri.IsHost(name); !valid || host == "" {
		return false
	}
	if strings.HasPrefix(name, "[") {
		_, err := netip.ParseAddr(host)
		return err == nil
	}
	return true
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

// keys makes the keys by which a page gets the heads of its own handshake, which may hold
// secrets. A key is a random number and a proof that this server made it.
type keys struct{ secret [sha256.Size]byte }

const keyOctets = 16 // of the number, and as many of the proof

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

// of returns the key in a request target, or an empty string if k made no such key.
func (k *keys) of(target string) string {
	text, found := strings.CutPrefix(target, keyTarget)
	key, err := hex.DecodeString(text)
	if !found || err != nil || len(key) != 2*keyOctets || !hmac.Equal(key[keyOctets:], k.proof(key[:keyOctets])) {
		return ""
	}
	return text
}
