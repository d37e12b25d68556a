package good

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"strings"
)

// Code that only notes a field.

func strip(r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		r.Header.Del("Upgrade")
		r.Header.Del("Connection")
	}
}

func stripLine(r *http.Request) {
	if _, ok := r.Header["Upgrade"]; ok {
		delete(r.Header, "Upgrade")
	}
}

func labelled(r *http.Request) string {
	kind := "plain"
	if r.Header.Get("Upgrade") != "" {
		kind = "offer"
	}
	return fmt.Sprintf("kind=%s", kind)
}

func label(r *http.Request) string {
	if len(r.Header["Upgrade"]) > 0 {
		return "offer"
	}
	return "plain"
}

func tagged(r *http.Request) string {
	switch {
	case r.Header.Get("Upgrade") != "":
		return "offer"
	case r.Method == "GET":
		return "get"
	}
	return ""
}

func logsPresence(r *http.Request, logger *slog.Logger) {
	logger.Info("request", "upgrade", r.Header.Get("Upgrade") != "")
}

func logsVariable(r *http.Request) {
	offer := r.Header.Get("Upgrade") != ""
	log.Printf("offer: %t", offer)
}

func logsOffer(r *http.Request, logger *slog.Logger) {
	if r.Header.Get("Upgrade") == "" {
		logger.Debug("no offer")
	} else {
		logger.Debug("an offer")
	}
}

func counts(r *http.Request, all map[string]int, seen map[string]bool) {
	all[r.Header.Get("Upgrade")]++
	all[r.Header.Get("Upgrade")] += 2
	seen[r.Header.Get("Connection")] = true
}

// Code that reads what it has set.
func own(h http.Header) bool {
	h.Set("Upgrade", "websocket")
	return h.Get("Upgrade") == "websocket"
}

// Code that only notes a 101.

func status(b *bufio.Reader) (string, error) {
	resp, err := http.ReadResponse(b, nil)
	if err != nil {
		return "", err
	}
	if resp.StatusCode == 101 {
		return "switched", nil
	}
	return resp.Status, nil
}

func refuses(b *bufio.Reader) error {
	resp, err := http.ReadResponse(b, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body.Close()
		return errors.New("unexpected switch")
	}
	return nil
}

func skips(b *bufio.Reader) {
	for {
		resp, err := http.ReadResponse(b, nil)
		if err != nil {
			return
		}
		switch resp.StatusCode {
		case 101:
			resp.Body.Close()
			continue
		}
		io.Copy(io.Discard, resp.Body)
	}
}

func closes(b *bufio.Reader) {
	resp, err := http.ReadResponse(b, nil)
	if err != nil {
		return
	}
	if resp.StatusCode != 101 {
		io.Copy(io.Discard, resp.Body)
		return
	}
	resp.Body.Close()
}

// A client that offered one protocol is right to refuse an answer that names another
// beside it.
func chosen(resp *http.Response) bool {
	for _, product := range strings.Split(resp.Header.Get("Upgrade"), ",") {
		if lower(strings.TrimSpace(product)) != "echo/1" {
			return false
		}
	}
	return true
}
