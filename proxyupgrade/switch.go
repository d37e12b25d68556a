package proxyupgrade

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
)

// This file knows how a valid 101 of the backend becomes a tunnel, and how that is served.

var (
	// errTakeOver: Switch does not get the client's connection.
	errTakeOver = errors.New("proxyupgrade: cannot take over the client's connection")

	errModified = errors.New("proxyupgrade: ModifyResponse changed the status of a switch")
)

// switchTo answers the client with a 101 and starts the tunnel. After an error the
// backend's connection is closed, and the client must still be answered.
func (x *exchange) switchTo() error {
	body := x.answer.Body
	defer func() {
		// A hook of the caller may have panicked.
		if !x.taken {
			body.Close()
		}
	}()
	fields, err := x.fields()
	if err != nil {
		return err
	}
	// If ModifyResponse replaced Body, all bytes must go through it.
	direct := x.conn != nil && x.answer.Body == body
	backend, err := backendConn(x.answer.Body, x.conn, direct)
	if err != nil {
		return err
	}
	// The content went to the backend, so there is none to read now.
	in := x.in.WithContext(x.in.Context())
	in.Body, in.ContentLength = http.NoBody, 0
	if x.isBridged() {
		return x.switchStream(in, backend, fields)
	}
	client, err := httpupgrade.Switch(x.client, in, x.to, fields...)
	if err != nil {
		backend.Close()
		return x.answerable(err)
	}
	x.start(in, client, backend)
	return nil
}

// fields returns the further fields of the client's 101: those that earlier handlers have
// set, as in any other response, and those of the backend.
func (x *exchange) fields() ([]handshake.Field, error) {
	answer := x.answer
	// Its Connection is well-formed, because the 101 is valid.
	RemoveHopByHop(answer.Header, x.proxy.Keep...)
	if modify := x.proxy.Reverse.ModifyResponse; modify != nil {
		answer.Header["Connection"] = []string{"Upgrade"}
		answer.Header["Upgrade"] = []string{string(upgrade.AppendList(nil, x.to...))}
		if err := modify(answer); err != nil {
			return nil, err
		}
		if answer.StatusCode != http.StatusSwitchingProtocols {
			return nil, errModified
		}
	}
	return append(httpupgrade.FieldsOf(x.client.Header()), httpupgrade.FieldsOf(answer.Header)...), nil
}

// answerable returns the error of Switch as one that can be answered. If it cannot be
// answered, answerable reports it and returns nil.
func (x *exchange) answerable(err error) error {
	var (
		field *handshake.ResponseError
		write *handshake.WriteError
	)
	switch {
	case errors.As(err, &write):
		x.report(err)
		return nil
	case errors.As(err, &field):
		return &BackendError{http.StatusSwitchingProtocols, err}
	}
	// The client may have sent some of the new protocol, which is not HTTP.
	x.client.Header().Set("Connection", "close")
	return fmt.Errorf("%w: %w", errTakeOver, err)
}

// start serves the tunnel in a separate goroutine, so that the server can release what it
// holds for the request. If the client's connection is an HTTP/2 stream, start serves it
// itself.
func (x *exchange) start(in *http.Request, client, backend net.Conn) {
	p := x.proxy
	ctx := context.WithoutCancel(in.Context())
	var quit context.CancelFunc
	if p.Relay != nil {
		ctx, quit = context.WithCancel(ctx)
	}
	t := &Tunnel{
		Request: in.WithContext(ctx), Products: x.to, Client: client, Backend: backend,
		idle: p.Idle, ends: [2]net.Conn{client, backend},
	}
	x.taken = true
	if !p.sessions.grow(x.session, t.cut, quit) {
		t.cut(http.ErrServerClosed)
		p.sessions.end(x.session)
		return
	}
	bridged := x.isBridged()
	if p.Relay == nil {
		if bridged {
			p.copy(t, x.session)
		} else {
			go p.copy(t, x.session)
		}
		return
	}
	var log *log.Logger
	if p.Error == nil {
		log = p.errorLog(in)
	}
	if bridged {
		p.relay(t, x.session, log)
	} else {
		go p.relay(t, x.session, log)
	}
}

// copy serves a tunnel without Relay.
func (p *Proxy) copy(t *Tunnel, session *session) {
	var r *http.Request
	if p.Error != nil {
		r = t.Request
	}
	t.Request = nil // with its fields it is larger than the rest of an idle tunnel
	_, _, err := t.Copy()
	p.copied(t, session, r, err)
}

//go:noinline
func (p *Proxy) copied(t *Tunnel, session *session, r *http.Request, err error) {
	t.close()
	defer p.sessions.end(session)
	if err != nil && r != nil {
		p.tell(r, err)
	}
}

// relay serves a tunnel by Relay. A panic ends only this tunnel.
func (p *Proxy) relay(t *Tunnel, session *session, log *log.Logger) {
	r := t.Request
	defer p.sessions.end(session)
	defer t.close()
	defer func() {
		v := recover()
		switch {
		case v == nil || v == http.ErrAbortHandler:
		case p.Error != nil:
			p.tell(r, &handshake.PanicError{Value: v, Stack: debug.Stack()})
		default:
			log.Print(&handshake.PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	p.Relay(t)
}

// tell calls Error for a tunnel that has ended. In the goroutine of a tunnel a panic of
// Error would end the process, so it is recovered and logged.
func (p *Proxy) tell(r *http.Request, err error) {
	defer func() {
		if v := recover(); v != nil {
			p.errorLog(r).Print(&handshake.PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	p.Error(r, err)
}
