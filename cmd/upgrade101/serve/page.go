package serve

import (
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gosegue/upgrade/cmd/upgrade101/explain"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows the page for browsers, and answers the questions of its script.

//go:embed page
var pageFiles embed.FS

// The limits of what the page may send: octets of each field, and bytes of the JSON, in
// which an octet may take several.
const (
	maxTyped = 64 << 10
	maxAsked = 768 << 10
)

// securityPolicy allows the page to use what this server has, and nothing else. connect-src
// 'self' includes a WebSocket to this server.
const securityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// routes are the resources of the page, by path. The page itself is at /, as is the text
// for other clients.
func (s *Server) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/style.css":  get(asset("style.css", "text/css; charset=utf-8")),
		"/script.js":  get(asset("script.js", "text/javascript; charset=utf-8")),
		"/icon.svg":   get(asset("icon.svg", "image/svg+xml")),
		"/parse":      post(parseTyped),
		"/parties":    post(s.tellParties),
		"/key":        post(s.giveKey),
		"/handshake":  get(s.tellExchange),
		"/handshakes": get(s.tellLast),
	}
}

var index = asset("index.html", "text/html; charset=utf-8")

// wantsPage reports whether r is the request of a browser for the page.
func wantsPage(r *http.Request) bool {
	if r.URL.Path != "/" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, line := range r.Header["Accept"] {
		for part := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(part, ";")
			if octet.EqualFold(strings.Trim(kind, " \t"), "text/html") {
				return true
			}
		}
	}
	return false
}

// asset returns a handler that answers with a file of the page.
func asset(name, contentType string) http.HandlerFunc {
	content, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic(err) // the file was not embedded
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", securityPolicy)
		w.Header().Set("Cache-Control", "no-cache")
		answerWith(w, http.StatusOK, contentType, content)
	}
}

// get answers every method except GET and HEAD with 405.
func get(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			answerError(w, http.StatusMethodNotAllowed, errors.New("want GET or HEAD"))
			return
		}
		handler(w, r)
	}
}

// answerWith answers with content. Browsers must take it for what its type says, and give
// it to no other site.
func answerWith(w http.ResponseWriter, status int, contentType string, content []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	w.WriteHeader(status)
	w.Write(content)
}

// answerJSON answers with v, in printable ASCII.
func answerJSON(w http.ResponseWriter, status int, v any) {
	content, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	answerWith(w, status, "application/json", text.ASCII(content))
}

// errorJSON says why there is no answer to a question.
type errorJSON struct {
	Error string `json:"error"`
	Field string `json:"field"` // the field with a malformed escape, or empty
}

func answerError(w http.ResponseWriter, status int, err error) {
	answerJSON(w, status, errorJSON{Error: err.Error()})
}

// typed is what the page asks about: the lines of each field.
type typed struct {
	Connection fieldLines `json:"connection"`
	Upgrade    fieldLines `json:"upgrade"`
}

// fieldLines are the lines of a field. In JSON they are a text that somebody typed, with
// escapes and line ends, or an array of octets, as the answers have them. Only an array can
// hold one empty line: an empty text is a field that is absent.
type fieldLines struct {
	lines []string
	err   error // of an escape in the text
}

func (f *fieldLines) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		var lines []text.Octets
		if err := json.Unmarshal(data, &lines); err != nil {
			return err
		}
		for _, line := range lines {
			f.lines = append(f.lines, string(line))
		}
		return nil
	}
	var typed string
	if err := json.Unmarshal(data, &typed); err != nil {
		return err
	}
	f.lines, f.err = text.Unescape(typed)
	return nil
}

// post answers every method except POST with 405, and every content except JSON with 415. A
// browser does not send JSON for another site without asking the server first.
func post(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", "POST")
			answerError(w, http.StatusMethodNotAllowed, errors.New("want POST"))
			return
		}
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			answerError(w, http.StatusUnsupportedMediaType, errors.New("want application/json"))
			return
		}
		handler(w, r)
	}
}

// giveKey answers with a key for a handshake that the page is about to make.
func (s *Server) giveKey(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, keyJSON{s.keys.fresh()})
}

type keyJSON struct {
	Key string `json:"key"`
}

// parseTyped answers how a server must read the fields in a request of HTTP/1.1.
func parseTyped(w http.ResponseWriter, r *http.Request) {
	if connection, upgrades, ok := askedFields(w, r); ok {
		answerJSON(w, http.StatusOK, explain.Fields(connection, upgrades).ForPage())
	}
}

// askedFields returns the lines of the two fields that a question of the page holds. If
// the question is malformed or too long, it answers that and returns false.
func askedFields(w http.ResponseWriter, r *http.Request) (connection, upgrades []string, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAsked))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		answerError(w, http.StatusRequestEntityTooLarge, errors.New("want 768 KiB of JSON at most"))
		return nil, nil, false
	case err != nil:
		answerError(w, http.StatusBadRequest, errors.New("want the whole content"))
		return nil, nil, false
	}
	t, err := readTyped(body)
	if err != nil {
		answerError(w, http.StatusBadRequest, err)
		return nil, nil, false
	}
	connection, upgrades = t.Connection.lines, t.Upgrade.lines
	if err := t.Connection.err; err != nil {
		answerJSON(w, http.StatusBadRequest, errorJSON{err.Error(), "Connection"})
		return nil, nil, false
	}
	if err := t.Upgrade.err; err != nil {
		answerJSON(w, http.StatusBadRequest, errorJSON{err.Error(), "Upgrade"})
		return nil, nil, false
	}
	if len(strings.Join(connection, "\n")) > maxTyped || len(strings.Join(upgrades, "\n")) > maxTyped {
		answerError(w, http.StatusRequestEntityTooLarge, errors.New("want 64 KiB of each field at most"))
		return nil, nil, false
	}
	return connection, upgrades, true
}

func readTyped(body []byte) (typed, error) {
	var t typed
	if !utf8.Valid(body) {
		return t, errors.New("want UTF-8")
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return t, errors.New(`want an object of "connection" and "upgrade", each a string or an array of lines`)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return t, errors.New("want one object")
	}
	return t, nil
}

// exchangeJSON is a handshake, octet for octet, and how its request was read. Over TLS only
// its version is known.
type exchangeJSON struct {
	Server      string            `json:"server"`  // see Server.id
	Number      int               `json:"number"`  // among the last handshakes
	Version     string            `json:"version"` // of HTTP
	Request     text.Octets       `json:"request"`
	RequestCut  bool              `json:"requestCut"`
	Response    text.Octets       `json:"response"`
	ResponseCut bool              `json:"responseCut"`
	Analysis    *explain.Analysis `json:"analysis"` // null if the request was cut
}

// tellExchange answers with the octets of a handshake, if the request has its key.
func (s *Server) tellExchange(w http.ResponseWriter, r *http.Request) {
	n, found := s.last.find(r.URL.Query().Get("key"))
	if !found {
		answerError(w, http.StatusNotFound, errors.New("no such handshake, or no longer kept"))
		return
	}
	version := cmp.Or(n.offer.version, "1.1")
	if s.TLS {
		answerJSON(w, http.StatusOK, exchangeJSON{Server: s.id, Number: n.number, Version: version})
		return
	}
	kept := n.exchange
	lines, err := explain.ReadHead(strings.NewReader(string(kept.Request.Octets)))
	if err != nil || len(lines) == 0 {
		answerError(w, http.StatusNotFound, errors.New("not the first handshake of its connection"))
		return
	}
	answer := exchangeJSON{
		s.id, n.number, version, text.Octets(kept.Request.Octets), kept.Request.Cut,
		text.Octets(kept.Response.Octets), kept.Response.Cut, nil,
	}
	if !kept.Request.Cut {
		analysis := explain.Head(lines).ForPage()
		answer.Analysis = &analysis
	}
	answerJSON(w, http.StatusOK, answer)
}

// noteJSON is what everybody may see of a handshake.
type noteJSON struct {
	Number   int         `json:"number"`
	Time     time.Time   `json:"time"`
	Method   text.Octets `json:"method"`
	Target   text.Octets `json:"target"`
	Offered  text.Octets `json:"offered"`
	Decision string      `json:"decision"`
	Switched bool        `json:"switched"`

	// The lines of the two fields, to make the same offer again. Null if they are too
	// long to be kept.
	Connection []text.Octets `json:"connection"`
	Upgrade    []text.Octets `json:"upgrade"`
}

// tellLast answers with the handshakes after a number, with the highest number, and with the
// server that counts them.
func (s *Server) tellLast(w http.ResponseWriter, r *http.Request) {
	// Without a number, or with a malformed one, the answer is all of them.
	number, _ := strconv.Atoi(r.URL.Query().Get("after"))
	notes, last := s.last.after(number)
	answer := struct {
		Server     string     `json:"server"`
		Last       int        `json:"last"`
		Handshakes []noteJSON `json:"handshakes"`
	}{s.id, last, []noteJSON{}}
	for _, n := range notes {
		j := noteJSON{
			Number: n.number, Time: n.time.UTC(),
			Method: text.Octets(n.offer.method), Target: text.Octets(n.offer.target), Offered: text.Octets(n.offer.products),
			Decision: n.decision, Switched: n.switched,
		}
		if n.offer.upgrades != nil {
			j.Connection, j.Upgrade = text.AllOctets(n.offer.connection), text.AllOctets(n.offer.upgrades)
		}
		answer.Handshakes = append(answer.Handshakes, j)
	}
	answerJSON(w, http.StatusOK, answer)
}
