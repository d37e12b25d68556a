// Package switches takes a 101 for a switch, or writes one, in ways that go wrong.
package switches

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

var errStatus = errors.New("no switch")

func statusAlone(r *http.Request) (io.ReadWriteCloser, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols { // want `a 101 is taken for a switch by its status alone: .* \[status-alone\]`
		return nil, errStatus
	}
	return resp.Body.(io.ReadWriteCloser), nil // want `asserted to be writable without a check: .* \[body-assertion\]`
}

func byReading(conn net.Conn, r *http.Request) error {
	resp, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		return err
	}
	switch resp.StatusCode {
	case 101: // want `by its status alone`
		return nil
	}
	return errStatus
}

func bodyAlone(resp *http.Response) (io.Writer, bool) {
	w, ok := resp.Body.(io.Writer) // want `by its status alone`
	return w, ok
}

func bodyWithLook(resp *http.Response) (io.Writer, bool) {
	if !names(resp, "websocket") {
		return nil, false
	}
	w, ok := resp.Body.(io.Writer)
	return w, ok
}

// names is right except for the letter case.
func names(resp *http.Response, product string) bool {
	for _, line := range resp.Header["Upgrade"] {
		for _, p := range strings.Split(line, ",") {
			if strings.TrimSpace(p) == product {
				return true
			}
		}
	}
	return false
}

func peerChoice(r *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusSwitchingProtocols && resp.Header.Get("Upgrade") != r.Header.Get("Upgrade") { // want `Upgrade of the response is compared with Upgrade of the request: .* \[peer-choice\]`
		return errStatus
	}
	return nil
}

func upgradeType(h http.Header) string {
	return h.Get("Upgrade")
}

func peerChoiceByHelper(r *http.Request, resp *http.Response) error {
	asked, answered := upgradeType(r.Header), upgradeType(resp.Header)
	if !strings.EqualFold(asked, answered) { // want `\[peer-choice\]`
		return errStatus
	}
	return nil
}

func asciiEqualFold(s, t string) bool { return len(s) == len(t) && strings.EqualFold(s, t) }

func peerChoiceByComparison(r *http.Request, resp *http.Response) error {
	asked, answered := upgradeType(r.Header), upgradeType(resp.Header)
	if !asciiEqualFold(asked, answered) { // want `\[peer-choice\]`
		return errStatus
	}
	return nil
}

// logged does nothing that only a switch needs.
func logged(resp *http.Response) string {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return "switched"
	}
	return resp.Status
}

func noTakeOver(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Upgrade", "echo/1")
	w.WriteHeader(http.StatusSwitchingProtocols) // want `WriteHeader\(101\) without a take-over: .* \[no-take-over\]`
}

func takeOver(w http.ResponseWriter, r *http.Request) (net.Conn, *bufio.ReadWriter, error) {
	w.WriteHeader(http.StatusSwitchingProtocols)
	return http.NewResponseController(w).Hijack()
}

func takeOverElsewhere(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusSwitchingProtocols)
	serve(w)
}

func serve(w http.ResponseWriter) {
	if conn, brw, err := http.NewResponseController(w).Hijack(); err == nil {
		io.Copy(conn, brw)
	}
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func noVersion(conn net.Conn) {
	resp := &http.Response{StatusCode: 101, Header: http.Header{"Upgrade": {"echo/1"}}}
	resp.Write(conn) // want `"HTTP/0.0 101 Switching Protocols", which clients refuse .* \[response-version\]`
}

func noVersionInPlace(conn net.Conn) error {
	return (&http.Response{StatusCode: http.StatusSwitchingProtocols}).Write(conn) // want `\[response-version\]`
}

func versionLater(conn net.Conn) {
	resp := http.Response{StatusCode: 101}
	resp.ProtoMajor, resp.ProtoMinor = 1, 1
	resp.Write(conn)
}

func version(conn net.Conn) {
	resp := http.Response{StatusCode: 101, ProtoMajor: 1, ProtoMinor: 1}
	fmt.Println(resp.Write(conn))
}

func statusLater(conn net.Conn) {
	resp := &http.Response{}
	resp.StatusCode = http.StatusSwitchingProtocols
	resp.Write(conn) // want `\[response-version\]`
}

func isUpgraded(resp *http.Response) bool {
	return resp.StatusCode == 101 // want `\[status-alone\]`
}

func piped(conn, backend net.Conn, resp *http.Response) {
	if resp.StatusCode == http.StatusSwitchingProtocols { // want `\[status-alone\]`
		go io.Copy(conn, backend)
		io.Copy(backend, conn)
	}
}
