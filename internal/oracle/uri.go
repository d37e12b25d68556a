package oracle

import (
	"regexp"
	"strconv"
	"strings"
)

// A host by RFC 3986, section 3.2.2, except that any sequence of the octets of an address
// may be in the brackets.
const (
	regName   = `(?:[-!$&'()*+,.;=_~0-9A-Za-z]|%[0-9A-Fa-f]{2})`
	ipLiteral = `\[(?:[0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[-!$&'()*+,.;=_~0-9A-Za-z:]+)\]`
	someHost  = `(?:` + ipLiteral + `|` + regName + `+)`
)

var (
	hostOnly      = regexp.MustCompile(`^(?:` + ipLiteral + `|` + regName + `*)(?::[0-9]*)?$`)
	targetOctets  = regexp.MustCompile(`^[!$-;=?-~]+$`) // neither DQUOTE nor "#", "<", ">"
	absoluteForm  = regexp.MustCompile(`^([A-Za-z][-0-9A-Za-z+.]*):`)
	hostAddressed = regexp.MustCompile(`^[^:]*://` + someHost + `(?::[0-9]*)?(?:[/?]|$)`)
	authorityForm = regexp.MustCompile(`^` + someHost + `:0*([1-9][0-9]{0,4})$`)
)

// Host reports whether a Host field may have that value: RFC 9110, section 7.2.
func Host(value string) bool { return hostOnly.MatchString(value) }

// Target reports whether a request with that method may have that target: RFC 9112,
// section 3.2. A URI of http or https has a host and no user information (RFC 9110,
// section 4.2), and so has one of ws or wss (RFC 6455, section 3).
func Target(method, target string) bool {
	if !targetOctets.MatchString(target) {
		return false
	}
	if method == "CONNECT" {
		m := authorityForm.FindStringSubmatch(target)
		if m == nil {
			return false
		}
		port, err := strconv.Atoi(m[1])
		return err == nil && port <= 65535
	}
	if m := absoluteForm.FindStringSubmatch(target); m != nil {
		switch strings.ToLower(m[1]) {
		case "http", "https", "ws", "wss":
			return hostAddressed.MatchString(target)
		}
		return true
	}
	return strings.HasPrefix(target, "/") || target == "*" && method == "OPTIONS"
}
