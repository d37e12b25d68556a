package loop

import (
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/chunked"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/websocket"
)

const (
	maxHead    = 16 << 10
	maxContent = 64 << 10
)

var product = upgrade.MustParseProduct("websocket")

// request is the part of a request that has come. At the switch it goes back to a pool.
type request struct {
	head   head.Request
	timer  *time.Timer
	answer []byte // set once the head is whole; sent after the content of the request
	length int64  // of the content still to come, unless it is chunked
	chunks chunked.Decoder
}

var requests = sync.Pool{New: func() any { return new(request) }}

func newRequest() *request { return requests.Get().(*request) }

func (r *request) free() {
	r.timer.Stop()
	r.head.Reset()
	*r = request{head: r.head, answer: r.answer[:0]}
	requests.Put(r)
}

// read reads input, which begins where the last call stopped: the head, and then the
// content. The content comes before the switch, and this server ignores it. read returns
// how many octets of input it has used, whether the connection is switched, and whether
// to close it.
func (r *request) read(w io.Writer, input []byte) (n int, switched, end bool) {
	if len(r.answer) == 0 {
		n, err := r.head.Parse(input, head.Limits{Bytes: maxHead})
		if n == 0 && err == nil {
			return 0, false, false // more will come
		}
		if err == nil {
			r.answer, err = appendSwitch(r.answer, &r.head)
		}
		if err != nil {
			w.Write(appendRefusal(r.answer[:0], err))
			return n, false, true
		}
		r.length, r.chunks.Limit = r.head.ContentLength, maxContent
		if r.head.ExpectContinue {
			io.WriteString(w, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if r.length == 0 {
			w.Write(r.answer)
		}
		return n, r.length == 0, false
	}
	if r.length > 0 {
		used := min(r.length, int64(len(input)))
		n, r.length = int(used), r.length-used
		switched = r.length == 0
	} else { // chunked
		var err error
		if _, n, err = r.chunks.Next(input); err != nil {
			w.Write(appendRefusal(r.answer[:0], err))
			return n, false, true
		}
		switched = r.chunks.Done()
	}
	if switched {
		w.Write(r.answer)
	}
	return n, switched, false
}

var errTooMuch = &handshake.Refusal{Status: 413}

// appendSwitch appends the 101 that answers r to dst, or returns why r must not switch.
func appendSwitch(dst []byte, r *head.Request) ([]byte, error) {
	if string(r.Method) == "CONNECT" {
		return dst, handshake.ErrConnect
	}
	p, err := handshake.Select(r.Major, r.Minor, r.Connection, r.Upgrade, product)
	if err != nil {
		return dst, err
	}
	key := r.Lines(nil, "Sec-WebSocket-Key")
	if err := websocket.Check(r.Method, r.Lines(nil, "Sec-WebSocket-Version"), key); err != nil {
		return dst, err
	}
	if !websocket.SameOrigin(r.Lines(nil, "Origin"), [][]byte{r.Authority()}) {
		return dst, websocket.ErrOrigin
	}
	if r.ContentLength > maxContent {
		return dst, errTooMuch
	}
	dst, err = handshake.BeginSwitchingProtocols(dst, p)
	if err != nil {
		return dst, err
	}
	dst, err = handshake.AppendField(dst, "Sec-WebSocket-Accept", websocket.AppendAccept(nil, key[0]))
	return append(dst, "\r\n"...), err
}

// appendRefusal appends the response to a request that err kept from switching. The
// connection closes after it, since content may follow.
func appendRefusal(dst []byte, err error) []byte {
	refusal := handshake.RefusalOf(err)
	if refusal.Status == 426 {
		refusal = &handshake.Refusal{Status: 426, Fields: refusal.Fields, Content: "this server speaks only WebSocket\n"}
	}
	fields, content, err := refusal.Response(product)
	if err != nil {
		return dst
	}
	fields = append(slices.Clip(fields),
		handshake.Field{Name: "Connection", Value: "close"},
		handshake.Field{Name: "Content-Length", Value: strconv.Itoa(len(content))})
	dst, err = handshake.AppendResponse(dst, refusal.Status, fields...)
	if err != nil {
		return dst
	}
	return append(dst, content...)
}
