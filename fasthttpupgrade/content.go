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

// This file reads the content of a request that fasthttp has left to the handler, with
// Server.StreamRequestBody, and tells whether somebody has. fasthttp itself does not ask:
// it takes what is left for the next request.

// DefaultMaxBody is how much content of a request is read before a switch where fasthttp
// has not read it yet, unless a [Handler] says otherwise: 2 MiB.
const DefaultMaxBody = 2 << 20

// maxBody returns the limit that a field MaxBody means.
func maxBody(field int64) int64 {
	if field == 0 {
		return DefaultMaxBody
	}
	return max(field, 0)
}

// streamed is the content that fasthttp had not read when it called the handler.
type streamed struct {
	is     bool // there is some
	length int  // in bytes; below 0 if it comes in chunks
}

// streamOf tells of the content that the handler has to read.
func streamOf(ctx *fasthttp.RequestCtx) streamed {
	if !ctx.Request.IsBodyStream() {
		return streamed{}
	}
	length := ctx.Request.Header.ContentLength()
	return streamed{length != 0, length}
}

// isRead reports whether the content has been read to its end, and nothing after it. It
// reads what of it has come, but does not wait for more.
func (s streamed) isRead(ctx *fasthttp.RequestCtx) bool {
	switch {
	case !s.is:
		return true
	case s.length < 0:
		// Of chunks fasthttp tells neither whether they were read nor whether they
		// were malformed: Request.Body has the text of the error as content.
		return false
	case !ctx.Request.IsBodyStream():
		// Something has read it all, or has dropped it, or has failed.
		return len(ctx.Request.Header.MultipartFormBoundary()) == 0 && len(ctx.Request.Body()) == s.length
	}
	conn := ctx.Conn()
	if conn.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	_, err := io.Copy(io.Discard, ctx.Request.BodyStream())
	return conn.SetReadDeadline(time.Time{}) == nil && err == nil
}

// read reads the content, up to limit bytes, and leaves it in ctx.Request. It returns what
// it has read of the octets after the content. The error is a *ContentError.
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
		// Room is made only as content comes: a large length costs a client nothing.
		content, err = io.ReadAll(io.LimitReader(stream, int64(s.length)))
		if err == nil && len(content) < s.length {
			err = io.ErrUnexpectedEOF // for fasthttp it is an ordinary end
		}
	}
	if err != nil {
		return nil, contentError(err)
	}
	ctx.Request.SetBodyRaw(content)
	return early, nil
}

// readChunks reads chunked content, and returns what of the octets after it came with it.
//
// fasthttp would end the content where the connection ends within the trailers, and take
// LF for an empty line, so that the protocol began with a piece of the request. Its stream
// asks the header at each Read how long the content is, and yields the octets as they came
// if that is a number. Trailers are checked and dropped.
func readChunks(header *fasthttp.RequestHeader, stream io.Reader, limit int64) (content, early []byte, err error) {
	header.SetContentLength(math.MaxInt)
	defer header.SetContentLength(-1)
	decoder := chunked.Decoder{Limit: limit}
	if limit == 0 {
		decoder.Limit = -1 // for a Decoder 0 is no limit
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

// errAlreadyRead says that a function of the server has read the content in a way that
// leaves its end in doubt.
var errAlreadyRead = errors.New("fasthttpupgrade: content was read before the switch")

func tooLarge() error {
	return &ContentError{Status: fasthttp.StatusRequestEntityTooLarge, Err: fasthttp.ErrBodyTooLarge}
}

// contentError says that the content could not be read because of err.
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
