package fixes

import (
	"errors"
	"log"
	"net/http"
	"strings"
)

// Two fixes in one block declare different variables.
func pair(r *http.Request) bool {
	x := r.Header.Get("Upgrade") == "websocket"                               // want `whole-value`
	y := strings.EqualFold(r.Header.Get("Connection"), "upgrade") && x        // want `whole-value`
	return y || r.Header.Get("Upgrade") == "TLS/1.0" && r.Method == "OPTIONS" // want `whole-value`
}

// There is no fix if the comparison does not come first.

type session struct{ r *http.Request }

func (s *session) ok() bool { return s.r != nil }

func guarded(r *http.Request, s *session, err error) bool {
	if r != nil && r.Header.Get("Upgrade") == "websocket" && r.Header.Get("Connection") == "Upgrade" { // want `whole-value` `whole-value`
		return true
	}
	if s.ok() && s.r.Header.Get("Upgrade") == "websocket" { // want `whole-value`
		return true
	}
	if err != nil || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") { // want `whole-value`
		return false
	}
	return r == nil || (r.Method == "GET" || s.ok()) && r.Header.Get("Upgrade") != "h2c" // want `whole-value`
}

func sent(c *http.Client, r *http.Request) error {
	resp, err := c.Do(r)
	if err == nil && resp.Header.Get("Upgrade") == "websocket" { // want `whole-value`
		resp.Body.Close()
		return nil
	}
	return errors.New("no switch")
}

// What comes first reads the message, too, so the fix is offered.
func method(r *http.Request) bool {
	if r.Method == "GET" && r.Host != "" && r.Header.Get("Upgrade") == "websocket" { // want `whole-value`
		return true
	}
	return r.Method == "GET" && (r.Header.Get("Upgrade") == "h2c" || r.Host == "") // want `whole-value`
}

func variable(r *http.Request, ok func() bool) bool {
	if r.Method == "GET" && ok() && r.Header.Get("Upgrade") == "websocket" { // want `whole-value`
		return true
	}
	return false
}

// A function that is called first may change the message.
func called(r *http.Request) (string, bool) {
	return change(r), r.Header.Get("Upgrade") == "websocket" // want `whole-value`
}

func between(r *http.Request) bool {
	return r.Header.Get("Upgrade") == "websocket" && change(r) == "" && r.Header.Get("Connection") == "Upgrade" // want `whole-value` `whole-value`
}

func change(r *http.Request) string {
	r.Header.Del("Connection")
	return ""
}

// The value was read before.
func before(r *http.Request) bool {
	product := r.Header.Get("Upgrade")
	log.Print(product)
	r.Header.Del("Upgrade")
	if product == "websocket" { // want `whole-value`
		return true
	}
	return false
}

// A helper may check the message before it reads it.
func helped(r *http.Request) bool {
	return value(r, "Upgrade") == "websocket" // want `whole-value`
}

func value(r *http.Request, name string) string {
	if r == nil {
		return ""
	}
	return r.Header.Get(name)
}

// A fix would declare a variable that goto jumps over.
func jumps(r *http.Request) (ok bool) {
	if r.Method == "" {
		goto end
	}
	ok = r.Header.Get("Upgrade") == "websocket" // want `whole-value`
end:
	return ok
}

// Each call of the accessor may return another request.
type queue struct{ c chan *http.Request }

func (q *queue) next() *http.Request { return <-q.c }

func queued(q *queue) bool {
	if q.next().Header.Get("Upgrade") == "websocket" && q.next().Header.Get("Connection") == "Upgrade" { // want `whole-value` `whole-value`
		return true
	}
	return false
}

var checked = func(r *http.Request) bool {
	ok := r.Header.Get("Upgrade") == "websocket" // want `whole-value`
	return ok
}

// This helper checks nothing.
func helpedAtOnce(r *http.Request) bool {
	return first(r, "Upgrade") == "websocket" // want `whole-value`
}

func first(r *http.Request, name string) string { return strings.TrimSpace(r.Header.Get(name)) }
