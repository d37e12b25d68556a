package peers

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func quote(octets []byte) string { return strconv.Quote(string(octets)) }

func splitLines(text string) []string { return strings.Split(text, "\r\n") }

// equal fails the test if two values differ.
func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
