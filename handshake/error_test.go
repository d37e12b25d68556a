package handshake_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/chunked"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	rfc6455 "github.com/gosegue/upgrade/websocket"
)

// refusing is an error of another package that has a refusal.
type refusing struct{ r *handshake.Refusal }

func (refusing) Error() string                 { return "refusing" }
func (e refusing) Refusal() *handshake.Refusal { return e.r }
func (refusing) FieldName() string             { return "X-Why" }

var malformed = &handshake.FieldError{Field: "Sec-WebSocket-Protocol", Err: &upgrade.SyntaxError{Offset: 3, Reason: upgrade.ErrToken}}

func TestErrorsMapToStatusAndField(t *testing.T) {
	tests := []struct {
		err    error
		status int
		field  string
	}{
		{nil, 0, ""},
		{handshake.ErrHTTPVersion, 505, ""},
		{handshake.ErrConnect, 501, ""},
		{handshake.ErrNoUpgrade, 426, "Upgrade"},
		{handshake.ErrNoOption, 426, "Connection"},
		{handshake.ErrNotSupported, 426, "Upgrade"},
		{handshake.ErrNotOffered, 426, "Upgrade"},
		{handshake.ErrHost, 500, "Host"},
		{handshake.ErrOption, 500, "Connection"},
		{handshake.ErrMethod, 500, ""},
		{malformed, 400, "Sec-WebSocket-Protocol"},
		{&handshake.FieldError{Field: "Upgrade"}, 426, "Upgrade"},
		{&handshake.FieldError{Field: "Connection"}, 426, "Connection"},
		{&head.Error{Reason: head.ErrExpect}, 417, ""},
		{&chunked.Error{Reason: chunked.ErrTooLarge}, 413, ""},
		{(*head.Error)(nil), 500, ""},
		{(*chunked.Error)(nil), 500, ""},
		{&handshake.Refusal{Status: 403}, 403, ""},
		{fmt.Errorf("wrapped: %w", &handshake.Refusal{Status: 403}), 403, ""},
		{errors.Join(io.EOF, &handshake.Refusal{Status: 429}), 429, ""},
		{(*handshake.Refusal)(nil), 500, ""},
		{&handshake.Refusal{Status: 101}, 500, ""},
		{&handshake.ContentError{Status: 413}, 413, ""},
		{&handshake.ContentError{Status: 408, Err: io.EOF}, 408, ""},
		{&handshake.ContentError{Err: io.ErrUnexpectedEOF}, 400, ""},
		{&handshake.WriteError{Err: io.ErrClosedPipe}, 0, ""},
		{&handshake.ResponseError{Index: 2, Name: "X", Err: handshake.ErrReserved}, 500, "X"},
		{&handshake.PanicError{}, 500, ""},
		{refusing{&handshake.Refusal{Status: 400}}, 400, "X-Why"},
		{refusing{}, 500, "X-Why"},
		{io.EOF, 500, ""},
	}
	for _, test := range tests {
		if status, field := handshake.Status(test.err), handshake.FieldName(test.err); status != test.status || field != test.field {
			t.Errorf("%v: %d, %q; want %d, %q", test.err, status, field, test.status, test.field)
		}
		if n := testing.AllocsPerRun(100, func() { handshake.Status(test.err); handshake.FieldName(test.err) }); n != 0 {
			t.Errorf("%v: %v allocations", test.err, n)
		}
		if r := handshake.RefusalOf(test.err); (r == nil) != (test.status == 0) || r != nil && r.Status != test.status {
			t.Errorf("%v: %+v, want the status %d", test.err, r, test.status)
		}
	}
}

func TestRefusalOfKeepsFieldsAndContent(t *testing.T) {
	own := &handshake.Refusal{Status: 401, Fields: []handshake.Field{{Name: "WWW-Authenticate", Value: "Bearer"}}, Content: "who?"}
	for _, err := range []error{
		own, fmt.Errorf("wrapped: %w", own), errors.Join(io.EOF, own), refusing{own}, fmt.Errorf("wrapped: %w", refusing{own}),
		fmt.Errorf("%w: %w", (*handshake.Refusal)(nil), own),
		fmt.Errorf("%w: %w", &handshake.Refusal{Status: 101}, own),
	} {
		if got := handshake.RefusalOf(err); got != own {
			t.Errorf("%v: %+v", err, got)
		}
		if n := testing.AllocsPerRun(100, func() { handshake.RefusalOf(err) }); n != 0 {
			t.Errorf("%v: %v allocations", err, n)
		}
	}
	if got := handshake.RefusalOf(rfc6455.ErrVersion); got != rfc6455.ErrVersion.Refusal() {
		t.Errorf("%+v", got)
	}
	// What decides about the status decides about the response.
	if got := handshake.RefusalOf(&handshake.ContentError{Status: 413, Err: own}); !reflect.DeepEqual(got, &handshake.Refusal{Status: 413}) {
		t.Errorf("%+v", got)
	}
}

// Every error text of this package. A change of a text must be deliberate.
func TestTextsOfErrors(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{handshake.ErrHTTPVersion, "handshake: HTTP version cannot upgrade"},
		{handshake.ErrNoUpgrade, "handshake: no Upgrade field"},
		{handshake.ErrNoOption, "handshake: no upgrade option in Connection"},
		{handshake.ErrNotSupported, "handshake: no supported protocol offered"},
		{handshake.ErrConnect, "handshake: CONNECT cannot upgrade"},
		{handshake.ErrStatus, "handshake: wrong status code"},
		{handshake.ErrNotOffered, "handshake: protocol was not offered"},
		{handshake.ErrNoProduct, "handshake: no product"},
		{handshake.ErrFieldName, "handshake: field name is not a token"},
		{handshake.ErrFieldValue, "handshake: malformed field value"},
		{handshake.ErrReserved, "handshake: reserved field"},
		{handshake.ErrMethod, "handshake: method cannot offer an upgrade"},
		{handshake.ErrTarget, "handshake: malformed request target"},
		{handshake.ErrHost, "handshake: malformed host"},
		{handshake.ErrOption, "handshake: connection option names no such field"},
		{malformed, "handshake: malformed Sec-WebSocket-Protocol: line 0, offset 3: want token"},
		{&handshake.ResponseError{Index: 2, Name: "X", Err: handshake.ErrReserved}, "handshake: field 2 (X): reserved field"},
		{&handshake.ResponseError{Index: 1, Name: "X\r\nY", Err: handshake.ErrFieldName}, "handshake: field 1: field name is not a token"},
		{&handshake.ContentError{Status: 408, Err: errors.New("secret")}, "handshake: content did not come in time"},
		{&handshake.ContentError{Status: 413}, "handshake: content exceeds the limit"},
		{&handshake.ContentError{Status: 400, Err: errors.New("secret")}, "handshake: content cannot be read"},
		{&handshake.WriteError{Err: io.ErrShortWrite}, "handshake: write 101: short write"},
		{&handshake.PanicError{Value: "boom", Stack: []byte("stack")}, "handshake: panic: boom\nstack"},
		{&handshake.Refusal{Status: 403}, "handshake: refused with status 403"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestZeroErrorsDoNotPanic(t *testing.T) {
	for _, err := range []error{
		&handshake.FieldError{}, &handshake.ResponseError{}, &handshake.ContentError{}, &handshake.WriteError{},
		&handshake.PanicError{}, &handshake.Refusal{},
		(*handshake.FieldError)(nil), (*handshake.ResponseError)(nil), (*handshake.ContentError)(nil),
		(*handshake.WriteError)(nil), (*handshake.PanicError)(nil), (*handshake.Refusal)(nil),
	} {
		if err.Error() == "" {
			t.Errorf("%T has no text", err)
		}
		if inner := errors.Unwrap(err); inner != nil {
			t.Errorf("%T unwraps to %v", err, inner)
		}
		if errors.Is(err, io.EOF) {
			t.Errorf("%T is io.EOF", err)
		}
		// Such an error is about no field.
		if name := handshake.FieldName(err); name != "" {
			t.Errorf("%T is about the field %q", err, name)
		}
		handshake.Status(err)
	}
}

// Every reason phrase, as registered. Status codes that callers are unlikely to send have
// no phrase.
func TestReasonPhrases(t *testing.T) {
	want := map[int]string{
		200: "OK", 204: "No Content", 304: "Not Modified",
		400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
		407: "Proxy Authentication Required", 408: "Request Timeout", 413: "Content Too Large", 414: "URI Too Long",
		417: "Expectation Failed", 421: "Misdirected Request", 426: "Upgrade Required", 429: "Too Many Requests",
		431: "Request Header Fields Too Large",
		500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
		504: "Gateway Timeout", 505: "HTTP Version Not Supported",
	}
	for status := 200; status < 600; status++ {
		head, err := handshake.AppendResponse(nil, status, Field{Name: "Upgrade", Value: "echo"})
		if err != nil {
			t.Fatal(status, err)
		}
		line, _, _ := strings.Cut(string(head), "\r\n")
		if want := fmt.Sprintf("HTTP/1.1 %d %s", status, want[status]); line != want {
			t.Errorf("%q, want %q", line, want)
		}
	}
}
