package kit

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gosegue/upgrade/upgradetest"
)

// gobwasEcho serves gobwas/ws without net/http, on one end of a pipe.
func gobwasEcho(conn net.Conn) {
	defer conn.Close()
	if _, err := ws.Upgrade(conn); err != nil {
		return
	}
	for {
		message, op, err := wsutil.ReadClientData(conn)
		if err != nil || wsutil.WriteServerMessage(conn, op, message) != nil {
			return
		}
	}
}

func TestGobwas(t *testing.T) {
	upgradetest.Server(t, func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go gobwasEcho(far)
		return near, nil
	}, upgradetest.Options{
		Product: websocket,
		Skip: []string{
			"upgrade-kelvin: values are folded as Unicode",
			"upgrade-long-s: values are folded as Unicode",
			"connection-blank: a blank separates options",
			"connection-nel: a Unicode blank separates options",
			"connection-control: a control character separates options",
			"content-length: content is not read",
			"expect-continue: Expect is not read",
			"426-upgrade: a 426 does not say what is wanted",
			"both-lengths: lengths are not read",
			"two-lengths: lengths are not read",
			"bad-length: lengths are not read",
			"coding-not-chunked: codings are not read",
			"blank-before-colon: names are trimmed",
			"folded-line: lines are trimmed",
			"blank-first-line: lines are trimmed",
			"host-twice: the last Host counts",
			"host-malformed: Host is not parsed",
			"websocket-version-list: a second line of 13 is ignored",
		},
	})
}

func FuzzGobwas(f *testing.F) {
	unlessAsked(f)
	upgradetest.FuzzOffer(f, websocket, func(head []byte) bool {
		_, err := ws.Upgrade(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(head), io.Discard})
		return err == nil
	})
}
