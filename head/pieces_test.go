package head_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/head"
)

// checkPieces checks that a head is read alike whole and in pieces. After every octet the
// result must be that of a new message, which reads all octets so far at once. A length or
// an error must be final, and no fault may come before the offset of the error.
func checkPieces(t *testing.T, input string, limits head.Limits, kind kind) {
	t.Helper()
	var (
		r, once  = kind.zero(), kind.zero()
		decided  bool
		want     result
		wrong    fault
		resumed  = []byte(input)
		anywhere = 0
		before   []byte // the buffer of the last call
	)
	for end := 0; end <= len(input); end++ {
		n, err := once.Parse(slices.Clip([]byte(input[:end])), limits)
		res, fresh := read(t, once, n, err)
		once.Reset()
		if decided {
			diff(t, "what follows a head changes it", want, res)
			diff(t, "what follows a fault changes it", wrong, fresh)
			continue
		}
		// Each time at another place, and cleared at the last one.
		anywhere = (anywhere + 7) % 64
		buf := append(make([]byte, anywhere, anywhere+end), input[:end]...)[anywhere:]
		clear(before)
		before = buf
		n, err = r.Parse(buf, limits)
		got, gotFault := read(t, r, n, err)
		diff(t, "octet by octet", res, got)
		diff(t, "octet by octet, fault", fresh, gotFault)
		decided = n > 0 || err != nil
		want, wrong = res, fresh
	}
	if !decided {
		return
	}
	if wrong.Reason == 0 {
		if want.N <= 0 || want.N > len(input) {
			t.Fatalf("%d of %d octets", want.N, len(input))
		}
	} else if wrong.Offset < 0 || wrong.Offset > len(input) {
		t.Fatalf("offset %d of %d octets", wrong.Offset, len(input))
	} else if wrong.Reason != head.ErrSize && !(wrong.Reason == head.ErrTargetSize && wrong.Offset == limits.Bytes) {
		// There must be no fault before this one.
		if _, before := parseAs(t, kind.zero(), input[:wrong.Offset], limits); before.Reason != 0 {
			t.Errorf("%v at %d, but before it %v at %d", wrong.Reason, wrong.Offset, before.Reason, before.Offset)
		}
	}
	// In pieces of one size, in place.
	for _, size := range []int{2, 3, 5, 16, 100} {
		r.Reset()
		for end := 0; ; end = min(end+size, len(input)) {
			n, err := r.Parse(resumed[:end:end], limits)
			if n == 0 && err == nil && end < len(input) {
				continue
			}
			got, gotFault := read(t, r, n, err)
			diff(t, "in pieces", want, got)
			diff(t, "in pieces, fault", wrong, gotFault)
			break
		}
	}
	// In an array that has octets before and after the input.
	poisoned := kind.zero()
	n, err := poisoned.Parse(poison([]byte(input)), limits)
	got, gotFault := read(t, poisoned, n, err)
	diff(t, "in a larger array", want, got)
	diff(t, "in a larger array, fault", wrong, gotFault)
}

// Parse looks at an octet when it comes and once more when its line has ended, however
// small the pieces. In between, the test changes the octet to one that no head can have,
// and Parse must not notice.
func TestLinear(t *testing.T) {
	const size = 8 << 10
	var octets = strings.Repeat("a", size)
	for name, whole := range map[string]string{
		"method":     octets + " / HTTP/1.1\r\n",
		"target":     "GET /" + octets + " HTTP/1.1\r\n",
		"name":       get + octets + ":\r\n",
		"value":      get + "a:" + octets + "\r\n",
		"blanks":     get + "a:" + strings.Repeat(" \t", size/2) + "\r\n",
		"tabs":       get + "a:" + strings.Repeat("\t", size) + "b\r\n",
		"host":       "GET / HTTP/1.1\r\nHost:" + octets + "\r\n",
		"no version": "GET /" + octets + "\r",
		"no name":    get + strings.Repeat("@", size) + "\r",
		"folded":     get + strings.Repeat(" ", size) + "\r",
	} {
		t.Run(name, func(t *testing.T) {
			var r head.Request
			start := strings.LastIndex(strings.TrimRight(whole, "\r\n"), "\n") + 1
			for end := start; end < len(whole); end++ {
				// The first call needs all octets.
				buf := []byte(whole[:end])
				if seen := end - 1; seen > start {
					copy(buf[start:seen], bytes.Repeat([]byte{0}, seen-start))
				}
				if end > start+1 {
					clear(buf[:start])
				}
				if strings.HasSuffix(string(buf), "\r") {
					break // the CR is the last octet that decides nothing
				}
				if n, err := r.Parse(buf, unlimited); n != 0 || err != nil {
					t.Fatalf("%d octets: %d, %v", end, n, err)
				}
			}
		})
	}
	t.Run("lines", func(t *testing.T) {
		var r head.Request
		whole := []byte(get + strings.Repeat("a: b\r\n", size/6))
		start := 0
		for end := 1; end <= len(whole); end++ {
			if n, err := r.Parse(whole[:end], unlimited); n != 0 || err != nil {
				t.Fatalf("%d octets: %d, %v", end, n, err)
			}
			if whole[end-1] == '\n' {
				// Every line so far has been read.
				clear(whole[start:end])
				start = end
			}
		}
	})
}
