package handshake_test

import (
	"fmt"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// A request offers only if the version is 1.1 or a later 1.x, Upgrade names a product, and
// Connection names the option. Every combination is tried, in strings and in bytes.
func TestTruthTable(t *testing.T) {
	versions := [][2]int{{0, 9}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {3, 0}, {0, 1}, {2, 1}, {1, -1}, {-1, 1}, {0, 0}}
	fields := [][]string{
		nil, {""}, {" "}, {","}, {", ,", "\t"}, {"upgrade"}, {"Upgrade"}, {"keep-alive, Upgrade"}, {"keep-alive,Upgrade"},
		{"keep-alive", "Upgrade"}, {"", "upgrade"}, {"websocket"}, {"WebSocket"}, {"h2c, websocket"}, {"h2c"}, {"websocket/13"},
		{"h2c", "websocket"}, {"close"}, {"@"}, {"a b"}, {"upgrade", "@"}, {"websocket", "a/"}, {"Upgrade\x00"}, {"upgrade "}, {"websocket "},
	}
	supports := [][]upgrade.Product[string]{
		nil,
		products(t, []string{"websocket"}),
		products(t, []string{"WebSocket", "websocket"}),
		products(t, []string{"upgrade", "", "h2c", "websocket"}),
		products(t, []string{""}),
	}
	for _, version := range versions {
		for _, connection := range fields {
			for _, offered := range fields {
				for _, supported := range supports {
					checkOffer(t, version[0], version[1], connection, offered, supported)
					if t.Failed() {
						t.Fatalf("HTTP/%d.%d, Connection %q, Upgrade %q, supported %v", version[0], version[1], connection, offered, supported)
					}
				}
				for _, status := range []int{0, 100, 101, 102, 200, 426, -101} {
					checkSwitched(t, status, version[0], version[1], connection, offered, supports[2])
				}
			}
		}
	}
}

// Select returns one of its arguments, never a Product in the client's spelling or one
// that was not offered.
func TestSelectReturnsAnArgument(t *testing.T) {
	offered := []byte("WEBSOCKET, H2C")
	p, err := handshake.Select(1, 1, [][]byte{[]byte("upgrade")}, [][]byte{offered}, products(t, []string{"x", "h2c"})...)
	clear(offered)
	if err != nil || p.String() != "h2c" {
		t.Errorf("got %q, %v", p, err)
	}
}

// Select may recognise an exact spelling without a parse, but only where a parse would
// have the same result.
func TestSelectOfNearlyExactSpellings(t *testing.T) {
	supported := products(t, []string{"echo/2", "websocket", "echo/1", "Echo/1"})
	for _, connection := range []string{"Upgrade", "upgrade", "UPGRADE", "keep-alive, Upgrade", "Keep-Alive, Upgrade", "Upgrade, keep-alive", "keep-alive", "Upgrad", "Upgrade,", "\x00pgrade"} {
		for _, product := range []string{"websocket", "echo/1", "ECHO/1", "Echo/1", "echo/2"} {
			for _, format := range []string{"%s", " %s", "%s ", "%s,", ",%s", "%s\x00", "\x00%s", "%s/", "%s, @", "@, %s", "%s b", "%s\n"} {
				offered := fmt.Sprintf(format, product)
				checkOffer(t, 1, 1, []string{connection}, []string{offered}, supported)
				checkOffer(t, 1, 1, []string{connection}, []string{offered, offered}, supported)
				checkOffer(t, 1, 1, []string{connection}, []string{offered, "@"}, supported)
				checkOffer(t, 1, 1, []string{connection, connection}, []string{offered}, supported)
				checkOffer(t, 1, 1, []string{connection, "@"}, []string{offered}, supported)
				checkOffer(t, 1, 0, []string{connection}, []string{offered}, supported)
			}
		}
	}
}

// A field is blank only if it holds only commas and blanks. Each of the 256 octets is
// tried.
func TestBlankEveryOctet(t *testing.T) {
	for c := range 256 {
		one := string([]byte{byte(c)})
		for _, line := range []string{one, "," + one, one + " "} {
			checkOffer(t, 1, 1, []string{"upgrade"}, []string{" ,\t", line}, products(t, []string{"a", "b"}))
		}
	}
}
