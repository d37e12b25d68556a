package handshake

import (
	"errors"
	"runtime/debug"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/products"
)

// This file is the policy of a server, once for every adapter: which protocol a request
// gets, and which refusal. An adapter brings the request, the content, the connection
// and the answer, and decides nothing. This file knows none of them, and no protocol by
// name.

// Protocol is a protocol to which a server can switch, with the conditions. R is the type
// of the HTTP stack's request, and S that of what serves a switched connection. An adapter
// chooses both.
type Protocol[R, S any] struct {
	// Product is the protocol's name and, if it has one, version. It matches only
	// an offer of the same version. Nothing offers the zero Product.
	Product upgrade.Product[string]

	// Allow is the server's judgement on a request that offers Product: its method,
	// its resource, the load. False leaves the request to the next Protocol. Nil
	// allows all.
	Allow func(R) bool

	// Check returns nil if the request may have the protocol; a [*Refusal], possibly
	// wrapped, to answer that instead of switching to this protocol; or an error of
	// the server's own. Nil checks nothing, except where the adapter says what it
	// checks of a protocol that it knows: the Origin of websocket, say.
	Check func(R) error

	// Fields returns further fields of the 101, or an error as Check does. Nil adds
	// none.
	Fields func(R) ([]Field, error)

	// Serve speaks the protocol on a connection that was switched to it.
	Serve S
}

// Choose returns the protocol to switch to and the further fields of its 101: the first
// of protocols that is offered, allowed and not refused. offered is what [Offer]
// returned of request.
//
// It tries each protocol that is offered in the order of protocols. It asks Allow, then
// each of always, which is what an adapter insists on, then Check, then Fields. A
// [*Refusal] makes it try the next protocol.
//
// If it finds none, the first Refusal is the answer: Choose returns the protocol that
// was refused and the error, which is or wraps that *Refusal. [Refusal.Response] makes a
// response of it. Without any Refusal it returns nil and [ErrNotSupported], and the
// request is an ordinary one. Any other error ends the search and is the server's own
// fault, to be answered with 500: a nil *Refusal, say, or a [*PanicError] if one of the
// functions panicked. Choose then returns the protocol whose function it was.
//
// Choose itself allocates nothing, unless a function panics.
func Choose[T upgrade.Text, R, S any](protocols []Protocol[R, S], offered upgrade.List[T], request R, always ...func(*Protocol[R, S], R) error) (*Protocol[R, S], []Field, error) {
	var refused *Protocol[R, S]
	err := ErrNotSupported
	for i := range protocols {
		p := &protocols[i]
		if !offered.Offers(p.Product) {
			continue
		}
		fields, refusal, reason := p.ask(request, always)
		switch {
		case reason == nil:
			return p, fields, nil
		case reason == errNotAllowed:
		case refusal == nil:
			return p, nil, reason
		case refused == nil:
			refused, err = p, reason
		}
	}
	return refused, nil, err
}

// errNotAllowed says that Allow was false. It stays within this file.
var errNotAllowed = errors.New("handshake: not allowed")

// ask returns the further fields of the 101, or an error that says why the protocol is not
// to be used, with the Refusal in it, if there is one. A panic of a function must cost no
// more than one connection, and not every stack recovers it, so it becomes an error here.
func (p *Protocol[R, S]) ask(request R, always []func(*Protocol[R, S], R) error) (fields []Field, refusal *Refusal, err error) {
	defer func() {
		if v := recover(); v != nil {
			fields, refusal, err = nil, nil, &PanicError{v, debug.Stack()}
		}
	}()
	if p.Allow != nil && !p.Allow(request) {
		return nil, nil, errNotAllowed
	}
	for _, check := range always {
		if err := check(p, request); err != nil {
			return nil, refusalIn(err), err
		}
	}
	if p.Check != nil {
		if err := p.Check(request); err != nil {
			return nil, refusalIn(err), err
		}
	}
	if p.Fields == nil {
		return nil, nil, nil
	}
	if fields, err = p.Fields(request); err != nil {
		return nil, refusalIn(err), err
	}
	return fields, nil, nil
}

// Supported returns the products of protocols in their order, each once, without zero
// Products: what a 426 (Upgrade Required) names.
func Supported[R, S any](protocols []Protocol[R, S]) []upgrade.Product[string] {
	supported := make([]upgrade.Product[string], len(protocols))
	for i := range protocols {
		supported[i] = protocols[i].Product
	}
	return products.Distinct(supported)
}

// Decision tells what became of a request that has an Upgrade field.
type Decision struct {
	// Product is the protocol that the request was switched to or refused; the zero
	// Product if none was chosen.
	Product upgrade.Product[string]

	// Status is the status code that the adapter answered: 101, or that of a
	// refusal or a failure; 0 if it left the request to another handler, or if
	// nothing could be answered any more.
	Status int

	// Err is why the request was not switched; nil with a switch. It is an error of
	// [Offer], one of [Choose], or what failed after the choice.
	Err error
}
