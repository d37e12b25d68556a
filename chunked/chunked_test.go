package chunked_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade/chunked"
	"github.com/gosegue/upgrade/internal/corpus"
)

// early follows a message. It belongs to another protocol, and looks like more of the
// message.
const early = "1\r\nx\r\n0\r\n\r\n\x00\xff"

var reasons = map[chunked.Reason]string{
	chunked.ErrSize:      "ErrSize",
	chunked.ErrExtension: "ErrExtension",
	chunked.ErrLineEnd:   "ErrLineEnd",
	chunked.ErrTrailer:   "ErrTrailer",
	chunked.ErrExtra:     "ErrExtra",
	chunked.ErrTooLarge:  "ErrTooLarge",
}

// outcome is everything that a decoder tells about a message.
type outcome struct {
	Content string
	Used    int // octets, to the end or the fault
	Done    bool
	Error   string
	Offset  int64
}

// decode decodes the pieces, and checks in every call what Next promises.
func decode(tb testing.TB, limit int64, pieces ...string) (o outcome) {
	tb.Helper()
	decoder := chunked.Decoder{Limit: limit}
	var content []byte
	for _, text := range pieces {
		for p := []byte(text); ; {
			piece, n, err := decoder.Next(p)
			if len(piece) > n || string(piece) != string(p[n-len(piece):n]) || len(piece) > 0 && &piece[0] != &p[n-len(piece)] {
				tb.Fatalf("%q: the content %q is not the end of %q", pieces, piece, p[:n])
			}
			if cap(piece) > len(piece) {
				tb.Fatalf("%q: %d octets of room after the content", pieces, cap(piece)-len(piece))
			}
			content = append(content, piece...)
			o.Used += n
			o.Done = decoder.Done()
			if err != nil {
				var fault *chunked.Error
				if !errors.As(err, &fault) || reasons[fault.Reason] == "" || len(piece) > 0 || o.Done {
					tb.Fatalf("%q: %#v, with %q", pieces, err, piece)
				}
				if again, m, err2 := decoder.Next([]byte("0\r\n\r\n")); again != nil || m != 0 || err2 == nil || *err2.(*chunked.Error) != *fault {
					tb.Fatalf("%q: %v, and then %q, %d, %v", pieces, err, again, m, err2)
				}
				o.Content, o.Error, o.Offset = string(content), reasons[fault.Reason], fault.Offset
				return o
			}
			if n == 0 && len(p) > 0 && !o.Done || len(piece) == 0 && n < len(p) && !o.Done {
				tb.Fatalf("%q: only %d of %d octets used", pieces, n, len(p))
			}
			if p = p[n:]; len(p) == 0 || o.Done {
				break
			}
		}
	}
	o.Content = string(content)
	return o
}

func diff(tb testing.TB, what string, want, got any) {
	tb.Helper()
	if d := cmp.Diff(want, got); d != "" {
		tb.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// splits calls try with the octets whole, octet by octet, in two pieces cut at each place,
// and in three pieces cut at each place, the second of one or two octets.
func splits(octets string, try func(pieces ...string)) {
	try(octets)
	try(strings.Split(octets, "")...)
	for i := range len(octets) + 1 {
		for j := i; j <= min(i+2, len(octets)); j++ {
			try(octets[:i], octets[i:j], octets[j:])
		}
	}
}

func TestCorpus(t *testing.T) {
	for _, c := range corpus.Read[corpus.Chunked](t, "testdata", "chunked.json") {
		t.Run(c.Name, func(t *testing.T) {
			octets := string(c.Octets)
			if c.Error != "" {
				// The corpus does not say how much content comes before the fault.
				want := decode(t, 0, octets)
				diff(t, "error", fmt.Sprint(c.Error, " at ", *c.Offset), fmt.Sprint(want.Error, " at ", want.Offset))
				splits(octets, func(pieces ...string) {
					diff(t, fmt.Sprintf("%q", pieces), want, decode(t, 0, pieces...))
				})
				return
			}
			want := outcome{Content: string(*c.Content), Used: len(octets), Done: true}
			splits(octets, func(pieces ...string) {
				diff(t, fmt.Sprintf("%q", pieces), want, decode(t, 0, pieces...))
				// Next leaves the octets after the message unread.
				pieces = append(slices.Clone(pieces[:len(pieces)-1]), pieces[len(pieces)-1]+early)
				diff(t, fmt.Sprintf("%q", pieces), want, decode(t, 0, pieces...))
			})
			// Without its last octets the message has not ended, which is no error.
			for i := range octets {
				if o := decode(t, 0, octets[:i]); o.Done || o.Error != "" || o.Used != i {
					t.Errorf("%q: %+v", octets[:i], o)
				}
			}
		})
	}
}

// With any octet in the place of any other, the decoder does what the oracle does. In the
// place of a line end it accepts only the line end.
func TestEveryOctetEveryPlace(t *testing.T) {
	const octets = "1\r\nx\r\n2 ;a=b\r\nyz\r\n0;c\r\nA: b\r\n\r\n"
	for i := range octets {
		for c := range 256 {
			changed := octets[:i] + string([]byte{byte(c)}) + octets[i+1:]
			checkOracle(t, []byte(changed), 100)
		}
	}
	// The ends of lines and data again, without the oracle.
	for _, line := range []string{"1%s", "1;a%s", "1\r\nx%s", "0%s", "0\r\nA:%s", "0\r\n%s", "1\r\nx\r\n0;b%s"} {
		for _, end := range []string{"\r", "\n"} {
			if end == "\r" && (strings.HasPrefix(line, "1%") || strings.HasPrefix(line, "0%")) {
				continue // more digits can follow
			}
			for c := range 256 {
				octet := string([]byte{byte(c)})
				head := fmt.Sprintf(line, "")
				if end == "\n" {
					head += "\r"
				}
				o := decode(t, 0, head+octet)
				open := end == "\r" && strings.ContainsAny(head, ";:") && !strings.HasSuffix(head, "\n") && (c == '\t' || c >= ' ' && c != 0x7F)
				name := end == "\r" && head == "0\r\n" && isToken(byte(c))
				if ok := o.Error == ""; ok != (octet == end || open || name) {
					t.Errorf("%q: %+v", head+octet, o)
				}
			}
		}
	}
}

func isToken(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func TestLimit(t *testing.T) {
	for _, test := range []struct {
		limit  int64
		octets string
		error  string
		offset int64
	}{
		{10, "a\r\n0123456789\r\n0\r\n\r\n", "", 0},
		{10, "b\r\n", "ErrTooLarge", 0},
		{10, "b", "ErrTooLarge", 0},
		{10, "000b", "ErrTooLarge", 3},
		{10, "5\r\nhello\r\n6\r\n", "ErrTooLarge", 10},
		{10, "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", "", 0},
		{10, "5\r\nhello\r\n5\r\nworld\r\n1\r\n!\r\n0\r\n\r\n", "ErrTooLarge", 20},
		{10, "7fffffff\r\n", "ErrTooLarge", 1},
		{10, "ffffffffffffffff\r\n", "ErrTooLarge", 0},
		{1, "1\r\nx\r\n0\r\n\r\n", "", 0},
		{1, "2\r\n", "ErrTooLarge", 0},
		{-1, "0\r\n\r\n", "", 0},
		{-1, "1", "ErrTooLarge", 0},
		{math.MinInt64, "1", "ErrTooLarge", 0},
		{math.MinInt64, "0\r\n\r\n", "", 0},
		{math.MaxInt64, "8000000000000000", "ErrTooLarge", 15},
		{1<<31 - 1, "80000000", "ErrTooLarge", 7},
	} {
		splits(test.octets, func(pieces ...string) {
			o := decode(t, test.limit, pieces...)
			if o.Error != test.error || o.Offset != test.offset || o.Done != (test.error == "") {
				t.Errorf("limit %d, %q: %+v", test.limit, pieces, o)
			}
		})
	}
}

// A size that does not fit an int is not a fault, even where an int has 32 bits.
func TestHugeSizes(t *testing.T) {
	for _, size := range []string{"7fffffff", "80000000", "ffffffff", "100000000", "7fffffffffffffff", "07fffffffffffffff"} {
		octets := size + "\r\nx"
		splits(octets, func(pieces ...string) {
			diff(t, fmt.Sprintf("%q", pieces), outcome{Content: "x", Used: len(octets)}, decode(t, 0, pieces...))
		})
	}
}

// Extensions, trailers and needless zeros are bounded. The bound grows with the content.
func TestExtra(t *testing.T) {
	const bound = 16 << 10
	const content = 100
	chunk := "64\r\n" + strings.Repeat("c", content) + "\r\n"
	for name, test := range map[string]struct{ before, unit, after string }{
		"extension":         {"1;", "x", "\r\nx\r\n0\r\n\r\n"},
		"blanks":            {"1", " ", ";\r\nx\r\n0\r\n\r\n"},
		"extensions":        {"1", ";", "\r\nx\r\n0\r\n\r\n"},
		"zeros":             {strings.Repeat("0", 16), "0", "\r\n\r\n"},
		"zeros of a size":   {strings.Repeat("0", 16), "0", "1\r\nx\r\n0\r\n\r\n"},
		"trailer":           {"0\r\na:", "b", "\r\n\r\n"},
		"trailer name":      {"0\r\n", "a", ":\r\n\r\n"},
		"trailers":          {"0\r\n", "a:\r\n", "\r\n"},
		"of the last chunk": {"0", ";", "\r\n\r\n"},
		"of two chunks":     {"1;" + strings.Repeat("a", bound/2) + "\r\nx\r\n0;", "b", "\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, before := range []string{"", chunk} {
				// A message without an end fails at the bound.
				endless := before + test.before + strings.Repeat(test.unit, 2*bound)
				want := decode(t, 0, endless)
				if want.Error != "ErrExtra" {
					t.Fatalf("endless: %+v", want)
				}
				limit := int64(bound + len(before)/len(chunk)*content + strings.Count(test.before, "x\r\n"))
				if got := extraBefore(endless[:want.Offset]); got != limit {
					t.Errorf("%d octets of extra were taken, want %d", got, limit)
				}
				diff(t, "octet by octet", want, decode(t, 0, strings.Split(endless, "")...))
				for cut := want.Offset - 2; cut <= want.Offset+2; cut++ {
					diff(t, "cut at the bound", want, decode(t, 0, endless[:cut], endless[cut:]))
				}
				// One unit less is within the bound.
				n := (int(want.Offset)-len(before+test.before))/len(test.unit) - 1
				whole := before + test.before + strings.Repeat(test.unit, n) + test.after
				if o := decode(t, 0, whole); !o.Done {
					t.Errorf("below the bound: %+v", o)
				}
			}
		})
	}
}

// extraBefore counts the octets of extensions, trailers and needless digits in well-formed
// chunks.
func extraBefore(octets string) int64 {
	extra := 0
	for rest := octets; ; {
		line, after, found := strings.Cut(rest, "\r\n")
		digits := len(line) - len(strings.TrimLeft(line, "0123456789abcdef"))
		extra += max(0, digits-16) + len(line) - digits
		var size int
		fmt.Sscanf(strings.TrimLeft(line[:digits], "0"), "%x", &size)
		switch {
		case !found:
			return int64(extra)
		case size == 0:
			return int64(extra + len(after) - 2*strings.Count(after, "\r\n"))
		}
		rest = after[size+2:]
	}
}

// Some clients send every octet in its own chunk, and must not be refused for it.
func TestManySmallChunks(t *testing.T) {
	content := strings.Repeat("0123456789", 10_000)
	for _, size := range []int{1, 2, 3} {
		for _, format := range []string{"%x\r\n%s\r\n", "%016x\r\n%s\r\n", "%x;a\r\n%s\r\n"} {
			if strings.Contains(format, ";") && size == 1 {
				continue // the extensions are twice as long as the content
			}
			var octets strings.Builder
			for rest := content; rest != ""; {
				n := min(size, len(rest))
				fmt.Fprintf(&octets, format, n, rest[:n])
				rest = rest[n:]
			}
			octets.WriteString("0\r\n\r\n")
			if o := decode(t, 0, octets.String()); o.Content != content || !o.Done {
				t.Errorf("chunks of %d, %q: %d octets of content, %+v", size, format, len(o.Content), o.Error)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	texts := map[chunked.Reason]string{
		0:                    "malformed",
		chunked.ErrSize:      "want chunk size",
		chunked.ErrExtension: "want chunk extension",
		chunked.ErrLineEnd:   "want CR and LF together",
		chunked.ErrTrailer:   "want trailer field line",
		chunked.ErrExtra:     "too much besides content",
		chunked.ErrTooLarge:  "content too large",
		200:                  "malformed",
	}
	for reason, text := range texts {
		diff(t, "reason", "chunked: "+text, reason.Error())
		err := &chunked.Error{Offset: 9, Reason: reason}
		diff(t, "error", "chunked: offset 9: "+text, err.Error())
		if !errors.Is(err, reason) {
			t.Errorf("%v does not unwrap to its reason", err)
		}
		status := 400
		if reason == chunked.ErrTooLarge {
			status = 413
		}
		diff(t, "status", []int{status, status}, []int{reason.Status(), err.Status()})
	}
	diff(t, "zero", "chunked: offset 0: malformed", new(chunked.Error).Error())
}

// A server has a decoder for each connection, so a decoder must not allocate.
func TestAllocations(t *testing.T) {
	octets := []byte("5;a=b\r\nhello\r\n0000000000000000005\r\nworld\r\n0\r\nA: b\r\nC: d\r\n\r\n")
	bad := []byte("5\r\nhello\n")
	run := func(octets []byte) {
		var decoder chunked.Decoder
		for rest := octets; len(rest) > 0; {
			content, n, err := decoder.Next(rest)
			rest = rest[n:]
			sink += len(content)
			if err != nil {
				return
			}
		}
	}
	if got := testing.AllocsPerRun(100, func() { run(octets) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
	if got := testing.AllocsPerRun(100, func() { run(bad) }); got != 1 {
		t.Errorf("malformed: %v allocations, want 1", got)
	}
}

var sink int
