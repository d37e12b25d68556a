package head_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/head"
)

// A message from a pool reads one head after another, whole or refused.
func TestReuse(t *testing.T) {
	for name, test := range map[string]struct {
		kind  kind
		heads []string
	}{
		"request": {asRequest, []string{
			"POST /a HTTP/1.1\r\nHost: a\r\nConnection: a\r\nConnection: b\r\nUpgrade: c\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
			"GET / HTTP/1.0\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: \r\n\r\n",
			"GET",
			"\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: a\r\nUpgrade: b\r\n",
			"",
		}},
		"response": {asResponse, []string{
			switching + "Connection: a\r\nConnection: b\r\nUpgrade: c\r\n\r\n",
			"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
			ok + "Transfer-Encoding: chunked\r\n\r\n",
			ok + "\r\n",
			ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
			"HTTP",
			switching + "Connection: a\r\nUpgrade: b\r\n",
			"",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := test.kind.zero()
			for _, first := range test.heads {
				for _, second := range test.heads {
					n, err := m.Parse([]byte(first), head.Limits{})
					if n == 0 && err == nil {
						m.Reset()
					}
					n, err = m.Parse([]byte(second), head.Limits{})
					got, gotFault := read(t, m, n, err)
					want, wantFault := parseAs(t, test.kind.zero(), second, head.Limits{})
					diff(t, "result", want, got)
					diff(t, "fault", wantFault, gotFault)
					if n == 0 && len(m.Lines(nil, "Host"))+len(m.Lines(nil, "Connection")) > 0 {
						t.Error("a head that is not whole has lines")
					}
					m.Reset()
				}
			}
		})
	}
}

// The next head is read from its start, even after one that exceeded a limit.
func TestReuseAfterLimit(t *testing.T) {
	for _, large := range []string{strings.Repeat("G", 99), "GET /" + strings.Repeat("a", 99), get + strings.Repeat("a", 99), get + "Upgrade: a\r\nb:" + strings.Repeat("b", 99)} {
		var r head.Request
		var err error
		for end := 0; err == nil && end <= len(large); end++ {
			_, err = r.Parse([]byte(large[:end]), head.Limits{Bytes: 50, Target: 20})
		}
		if !errors.Is(err, head.ErrSize) && !errors.Is(err, head.ErrTargetSize) {
			t.Fatalf("%q: %v", large, err)
		}
		n, err := r.Parse([]byte("PUT /b HTTP/1.0\r\n\r\n"), head.Limits{})
		got, _ := read(t, &r, n, err)
		diff(t, "the next head", result{N: 19, Method: "PUT", Target: "/b", Major: 1}, got)
	}
}

func TestReset(t *testing.T) {
	const lines = "Upgrade: a\r\nUpgrade: b\r\nConnection: c\r\nConnection: d\r\n"
	var (
		request  head.Request
		response head.Response
	)
	for _, test := range []struct {
		m                   message
		long, short         string
		connection, upgrade *[][]byte
	}{
		{&request, get + lines + "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n", get + "\r\n", &request.Connection, &request.Upgrade},
		{&response, ok + lines + "Content-Length: 1\r\n\r\n", ok + "\r\n", &response.Connection, &response.Upgrade},
	} {
		test.m.Reset() // without a head
		if _, err := test.m.Parse([]byte(test.long), head.Limits{}); err != nil {
			t.Fatal(err)
		}
		noted := [][][]byte{*test.connection, *test.upgrade}
		// The lines of an earlier head alias a buffer too.
		if _, err := test.m.Parse([]byte(test.short), head.Limits{}); err != nil {
			t.Fatal(err)
		}
		test.m.Reset()
		for _, lines := range noted {
			if len(lines) != 2 || lines[0] != nil || lines[1] != nil {
				t.Errorf("still refers to a buffer: %q", lines)
			}
		}
		diff(t, "something is left", result{}, fieldsOf(test.m))
		for range test.m.All() {
			t.Error("a field is left")
		}
	}
	if request.Method != nil || request.Target != nil || request.Host != nil {
		t.Error("still refers to a buffer")
	}
}

// The garbage collector frees the buffer of a message that was reset.
func TestResetKeepsNoBuffer(t *testing.T) {
	for name, test := range map[string]struct {
		m    message
		head string
	}{
		"request":  {new(head.Request), get + "Upgrade: a\r\nConnection: b\r\n\r\n"},
		"response": {new(head.Response), switching + "Upgrade: a\r\nConnection: b\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			collected := make(chan bool, 1)
			func() {
				buf := []byte(test.head)
				runtime.SetFinalizer(&buf[0], func(*byte) { collected <- true })
				if n, err := test.m.Parse(buf, head.Limits{}); n != len(buf) || err != nil {
					t.Fatal(n, err)
				}
			}()
			test.m.Reset()
			for range 100 {
				runtime.GC()
				select {
				case <-collected:
					runtime.KeepAlive(test.m)
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
			t.Error("the buffer is still referred to")
			runtime.KeepAlive(test.m)
		})
	}
}

// A caller that passes other octets the second time gets some result, but no panic.
func TestChangedOctets(t *testing.T) {
	inputs := []string{
		get + "Upgrade: a\r\nConn", get + "\r\n", "G", "", "\r\n", "GET / HTTP/1.1\r\n", get + "\x00", strings.Repeat("a", 99), get + "a:\r\n\r\n",
		switching + "Upgrade: a\r\nConn", ok, ok + "\r\n", "HTTP/1.1 1",
	}
	for _, first := range inputs {
		for _, second := range inputs {
			for _, third := range inputs {
				for _, m := range []message{new(head.Request), new(head.Response)} {
					for _, input := range []string{first, second, third} {
						n, _ := m.Parse([]byte(input), head.Limits{})
						if n > len(input) {
							t.Errorf("%d of %d octets", n, len(input))
						}
						for range m.All() {
						}
					}
				}
			}
		}
	}
}
