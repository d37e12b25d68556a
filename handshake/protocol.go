package handshake

import (
	"errors"
	"runtime/debug"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/products"
)

// This file is the policy of a server, shared by every adapter: which protocol a request
// gets, or which refusal. An adapter brings the request, the content, the connection and
// the answer, and decides nothing. This file knows nothing of those four, and knows no
// protocol by name.

// Protocol is a protocol that a server can switch to, with its conditions. R is the type
// of the HTTP stack's request. S is the type of the function or value that serves a
// switched connection. An adapter chooses both.
type Protocol[R, S any] struct {
	// Product is the protocol's name and, if it has one, version. It matches only
	// an offer of the same version. No request offers the zero Product.
	Product upgrade.Product[string]

	// Allow reports whether the server accepts a request that offers Product, by its
	// method, its resource or the load, for example. False leaves the request to the next
	// Protocol. A nil Allow accepts all.
	Allow func(R) bool

	// Check returns nil if the request may have the protocol; a [*Refusal], possibly
	// wrapped, as the answer instead of a switch to this protocol; or an error of the
	// server's own. A nil Check accepts all, unless the adapter has a check of its own
	// for this protocol and documents it, such as that of Origin for websocket.
	Check func(R) error

	// Fields returns further fields of the 101, or an error as Check does. A nil Fields
	// adds none.
	Fields func(R) ([]Field, error)

	// Serve speaks the protocol on a connection that has switched to it.
	Serve S
}

// Choose returns the protocol to switch to and the further fields of its 101. The
// protocol is the first of protocols that is offered, allowed and not refused. offered is
// the List that [Offer] returned for request.
//
// Choose tries the offered protocols in the order of the argument protocols. For each it
// calls Allow, then each function of always (the adapter's own checks), then Check, then
// Fields. It tries the next protocol if Allow returns false, or if another function
// returns a [*Refusal].
//
// If no protocol is left, the first Refusal is the answer: Choose returns the protocol
// that was refused and the error, which is or wraps that *Refusal. [Refusal.Response]
// makes a response of it. If there was no Refusal, Choose returns nil and
// [ErrNotSupported], and the request is an ordinary one.
//
// Any other error ends the search and is the server's own fault: answer 500. Choose
// returns it with the protocol whose function failed. A nil *Refusal is such an error,
// and so is the [*PanicError] that Choose makes if a function panics.
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

// errNotAllowed says that Allow returned false. It stays within this file.
var errNotAllowed = errors.New("handshake: not allowed")

// ask returns the further fields of the 101. If the protocol must not be used, it returns
// an error that says why, and the Refusal in that error, if any. A panic of a function
// must cost no more than one connection. Not every stack recovers it, so it becomes an
// error here.
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
// Products. A 426 (Upgrade Required) names these.
func Supported[R, S any](protocols []Protocol[R, S]) []upgrade.Product[string] {
	supported := make([]upgrade.Product[string], len(protocols))
	for i := range protocols {
		supported[i] = protocols[i].Product
	}
	return products.Distinct(supported)
}

// Decision tells what became of a request that has an Upgrade field or is an extended
// CONNECT.
type Decision struct {
	// Product is the protocol that the request was switched to or refused; the zero
	// Product if none was chosen.
	Product upgrade.Product[string]

	// Status is the status code of the adapter's answer. After a switch it is 101, or 200
	// to an extended CONNECT; otherwise it is that of a refusal or a failure. It is 0 if
	// the adapter left the request to another handler, or could no longer answer.
	Status int

	// Err says why the request was not switched; it is nil after a switch. It is an
	// error of [Offer] or [Choose], or of a step after the choice.
	Err error
}
