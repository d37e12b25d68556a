package peers

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"
)

// CUPS upgrades to TLS (RFC 2817) if an option tells it to or a 426 asks for it. It sends
// OPTIONS * only for the upgrade; inside TLS it speaks to a printer, examples/tls.

func TestCUPS(t *testing.T) {
	t.Parallel()
	lpstat := need(t, "apt-get install cups-client", "lpstat")
	ipptool := need(t, "apt-get install cups-ipp-utils", "ipptool")
	p := peer{"CUPS lpstat, ipptool", version(t, ipptool, "--version")}
	p.scenario(t, "RFC 2817: upgrade to TLS", func(t *testing.T) {
		both(t, "tls", func(t *testing.T, tap *tap) {
			o := run(t, 10*time.Second, command(t, lpstat, "-E", "-h", tap.address, "-r"))
			equal(t, "outcome", o.String(), outcome{stdout: "scheduler is running\n"}.String())
			cupsTunnel(t, tap)
			tap.only(t)
		})
	})
	ipp := func(t *testing.T, tap *tap, name, file string, args ...string) {
		t.Helper()
		file = testFile(t, file)
		args = append(args, "-t", "ipp://"+tap.address+"/printers/x", file)
		o := run(t, 10*time.Second, command(t, ipptool, args...))
		equal(t, "outcome", o.String(), outcome{stdout: fmt.Sprintf("%q:\n    %-68s [PASS]\n", file, name)}.String())
		if o.code != 0 {
			t.FailNow() // there may be no connection to look at
		}
	}
	p.scenario(t, "RFC 2817: IPP inside TLS", func(t *testing.T) {
		both(t, "tls", func(t *testing.T, tap *tap) {
			ipp(t, tap, "Get-Printer-Attributes", "get.ipptool", "-E")
			cupsTunnel(t, tap)
			tap.only(t)
		})
	})
	p.scenario(t, "RFC 2817: a document inside TLS, Expect: 100-continue", func(t *testing.T) {
		document := tunnelInput()
		arrived := fmt.Sprintf("TLS 1.3, Expect: 100-continue, %d octets, SHA-256 %x", len(document), sha256.Sum256([]byte(document)))
		both(t, "tls", func(t *testing.T, tap *tap) {
			ipp(t, tap, "Print-Job", "print.ipptool", "-E", "-f", writeFile(t, "document", document), "-d", "arrived="+arrived)
			cupsTunnel(t, tap)
			tap.only(t)
		})
	})
	p.scenario(t, "RFC 2817: upgrade because of a 426", func(t *testing.T) {
		both(t, "tls", func(t *testing.T, tap *tap) {
			ipp(t, tap, "Get-Printer-Attributes", "get.ipptool")
			refused := tap.all()[0]
			equal(t, "method", string(refused.request(t).Method), "POST")
			answer := responseHead(t, refused.server())
			equal(t, "status", answer[0], "HTTP/1.1 426 Upgrade Required")
			if !slices.Contains(answer, "Upgrade: TLS/1.3, TLS/1.2") || !slices.Contains(answer, "Connection: Upgrade") && !slices.Contains(answer, "Connection: Upgrade, close") {
				t.Errorf("%q does not name what to upgrade to", answer)
			}
			cupsTunnel(t, tap)
		})
	})
}

// cupsTunnel checks the one connection that was switched.
func cupsTunnel(t *testing.T, tap *tap) {
	t.Helper()
	tunnel := onlyTunnel(t, tap)
	equal(t, "request", fmt.Sprintf("%s %s", tunnel.request.Method, tunnel.request.Target), "OPTIONS *")
	products, options := tunnel.offer(t)
	equal(t, "offer", products, []string{"TLS/1.2", "TLS/1.1", "TLS/1.0"})
	equal(t, "options", options, []string{"Upgrade"})
	equal(t, "response", tunnel.answer, []string{"HTTP/1.1 101 Switching Protocols", "Upgrade: TLS/1.2", "Connection: Upgrade"})
	tlsRecords(t, "client", tunnel.client)
	tlsRecords(t, "server", tunnel.server)
}

// tlsRecords checks that octets are whole TLS records, the first of a handshake.
func tlsRecords(t *testing.T, who, octets string) {
	t.Helper()
	const handshake, first, last, header = 22, 20, 23, 5
	for rest := octets; ; {
		if len(rest) < header || rest[0] < first || rest[0] > last || rest[1] != 3 || len(rest) == len(octets) && rest[0] != handshake {
			t.Fatalf("%s: no record begins at octet %d", who, len(octets)-len(rest))
		}
		end := header + int(rest[3])<<8 + int(rest[4])
		if len(rest) < end {
			t.Fatalf("%s: the record at octet %d does not end", who, len(octets)-len(rest))
		}
		if rest = rest[end:]; rest == "" {
			return
		}
	}
}
