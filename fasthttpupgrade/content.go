package fasthttpupgrade

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade/chunked"
)

// This file reads content that fasthttp has left to the handler, with
// Server.StreamRequestBody, and tells whether a handler has read it. It knows nothing of
// offers.

// DefaultMaxBody is the limit on the content that is read before a switch, unless a
// [Handler] has another limit: 2 MiB. It does not limit content that fasthttp has read.
const DefaultMaxBody = 2 << 20

// maxBody returns the limit that the value of a field MaxBody stands for.
func maxBody(field int64) int64 {
	if field == 0 {
		return DefaultMaxBody
	}
	return max(field, 0)
}

// streamed is the content that fasthttp had not read when it called the handler.
type streamed struct {
	is     bool // there is such content
	length int  // in bytes; below 0 if it comes in chunks
}

// streamOf returns the content that the handler has to read.
func streamOf(ctx *fasthttp.RequestCtx) streamed {
	if !ctx.Request.IsBodyStream() {
		return streamed{}
	}
	length := ctx.Request.Header.ContentLength()
	return streamed{length != 0, length}
}

// isRead reports whether the content has been read to its end, and not beyond. It reads the
// content that has already arrived, and does not wait for more.
func (s streamed) isRead(ctx *fasthttp.RequestCtx) bool {
	switch {
	case !s.is:
		return true
	case s.length < 0:
		// fasthttp does not tell whether chunks were read, nor whether they were
		// malformed: Request.Body then returns the text of an error as content.
		return false
	case !ctx.Request.IsBodyStream():
		// A handler has read all of it, or dropped it, or failed to read it.
		return len(ctx.Request.Header.MultipartFormBoundary()) == 0 && len(ctx.Request.Body()) == s.length
	}
	conn := ctx.Conn()
	if conn.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	_, err := io.Copy(io.Discard, ctx.Request.BodyStream())
	return conn.SetReadDeadline(time.Time{}) == nil && err == nil
}

// read reads the content, up to limit bytes, and leaves it in ctx.Request. It may also read
// octets that follow the content, and returns those. The error is a *ContentError.
func (s streamed) read(ctx *fasthttp.RequestCtx, limit int64) (early []byte, err error) {
	if !s.is {
		return nil, nil
	}
	var content []byte
	stream := ctx.Request.BodyStream()
	switch {
	case stream == nil && s.isRead(ctx):
		return nil, nil
	case stream == nil:
		return nil, &ContentError{Status: fasthttp.StatusBadRequest, Err: errAlreadyRead}
	case int64(s.length) > limit:
		return nil, tooLarge()
	case s.length < 0:
		content, early, err = readChunks(&ctx.Request.Header, stream, limit)
	default:
		// A large declared length costs a client nothing, so room is made only as
		// content arrives.
		content, err = io.ReadAll(io.LimitReader(stream, int64(s.length)))
		if err == nil && len(content) < s.length {
			err = io.ErrUnexpectedEOF // to fasthttp this is an ordinary end
		}
	}
	if err != nil {
		return nil, contentError(err)
	}
	ctx.Request.SetBodyRaw(content)
	return early, nil
}

// readChunks reads chunked content. It also returns the octets that follow the content and
// came with it. It checks trailers and drops them.
//
// fasthttp itself would take the end of the connection within the trailers for the end of
// the content, and LF for the empty line, so the protocol would begin with a piece of the
// request. At each Read its stream asks the header for the length of the content. If there
// is a length, the stream yields the octets as they came.
func readChunks(header *fasthttp.RequestHeader, stream io.Reader, limit int64) (content, early []byte, err error) {
	header.SetContentLength(math.MaxInt)
	defer header.SetContentLength(-1)
	decoder := chunked.Decoder{Limit: limit}
	if limit == 0 {
		decoder.Limit = -1 // to a Decoder 0 means no limit
	}
	buffer := make([]byte, 4<<10)
	for {
		n, err := stream.Read(buffer)
		for rest := buffer[:n]; len(rest) > 0; {
			piece, used, err := decoder.Next(rest)
			if err != nil {
				return nil, nil, err
			}
			content = append(content, piece...)
			if rest = rest[used:]; decoder.Done() {
				return content, bytes.Clone(rest), nil
			}
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// errAlreadyRead: a function of the server has read the content, and fasthttp does not tell
// whether to its end.
var errAlreadyRead = errors.New("fasthttpupgrade: content was read before the switch")

func tooLarge() error {
	return &ContentError{Status: fasthttp.StatusRequestEntityTooLarge, Err: fasthttp.ErrBodyTooLarge}
}

// contentError returns the ContentError for content that could not be read because of err.
func contentError(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, chunked.ErrTooLarge):
		return tooLarge()
	case errors.As(err, &timeout) && timeout.Timeout():
		return &ContentError{Status: fasthttp.StatusRequestTimeout, Err: err}
	}
	return &ContentError{Status: fasthttp.StatusBadRequest, Err: err}
}
