package head_test

import (
	"errors"
	"testing"

	"github.com/gosegue/upgrade/head"
)

// reasons holds every Reason, with its text and status.
var reasons = []struct {
	reason head.Reason
	text   string
	status int
}{
	{head.ErrMethod, "want method and one space", 400},
	{head.ErrTarget, "want request target and one space", 400},
	{head.ErrVersion, "want HTTP version", 400},
	{head.ErrMajor, "want HTTP version 1", 505},
	{head.ErrLineEnd, "want CR and LF together", 400},
	{head.ErrFold, "want no line folding", 400},
	{head.ErrFieldName, "want field name and colon", 400},
	{head.ErrFieldValue, "want no control in field value", 400},
	{head.ErrHost, "want exactly one valid Host", 400},
	{head.ErrContentLength, "want exactly one number in Content-Length", 400},
	{head.ErrTransferEncoding, "want exactly chunked in Transfer-Encoding", 400},
	{head.ErrCoding, "want no transfer coding but chunked", 501},
	{head.ErrFraming, "want Content-Length or Transfer-Encoding, not both", 400},
	{head.ErrExpect, "want no expectation but 100-continue", 417},
	{head.ErrTargetSize, "request target too long", 414},
	{head.ErrFields, "too many fields", 431},
	{head.ErrSize, "head too large", 431},
	{head.ErrStatus, "want status code, one space and reason phrase", 502},
	{head.ErrStatus + 1, "malformed", 400}, // no such Reason
	{255, "malformed", 400},
	{0, "malformed", 400},
}

func TestReasons(t *testing.T) {
	for i, test := range reasons {
		if test.reason != 255 && test.reason != 0 && int(test.reason) != i+1 {
			t.Errorf("%v: a reason is missing before %d", test.reason, test.reason)
		}
		diff(t, "text", "head: "+test.text, test.reason.Error())
		diff(t, "status", test.status, test.reason.Status())
		e := &head.Error{Offset: 12, Reason: test.reason}
		diff(t, "text with an offset", "head: offset 12: "+test.text, e.Error())
		diff(t, "status", test.status, e.Status())
		if !errors.Is(e, test.reason) || errors.Is(e, test.reason+1) {
			t.Errorf("%v unwraps to another reason", e)
		}
	}
	var e *head.Error
	var r head.Request
	if _, err := r.Parse([]byte("GET /\r\n"), head.Limits{}); !errors.As(err, &e) || e.Offset != 5 || e.Reason != head.ErrVersion {
		t.Errorf("got %v", err)
	}
}

// A proxy answers a faulty response with 502: the fault is not its client's.
func TestResponseErrorStatus(t *testing.T) {
	for _, text := range []string{"HTTP/2.0 200 OK\r\n", "HTTP/1.1 600 \r\n", ok + "Transfer-Encoding: gzip\r\n", ok + "a\r\n"} {
		var r head.Response
		_, err := r.Parse([]byte(text), head.Limits{})
		var fault *head.Error
		if !errors.As(err, &fault) || fault.Status() != 502 {
			t.Errorf("%q: %v", text, err)
		}
	}
	var r head.Response
	if _, err := r.Parse([]byte(ok), head.Limits{Bytes: len(ok)}); err == nil || err.(*head.Error).Status() != 502 {
		t.Errorf("too large: %v", err)
	}
}
