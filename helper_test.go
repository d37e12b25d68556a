package upgrade_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/oracle"
)

var reasons = map[upgrade.Reason]string{
	upgrade.ErrToken:     "ErrToken",
	upgrade.ErrVersion:   "ErrVersion",
	upgrade.ErrDelimiter: "ErrDelimiter",
	upgrade.ErrNoElement: "ErrNoElement",
}

// fault returns err in the form of the oracle. It stops the test if err is not a
// SyntaxError.
func fault(tb testing.TB, err error) oracle.Fault {
	tb.Helper()
	if err == nil {
		return oracle.Fault{}
	}
	var syntax *upgrade.SyntaxError
	if !errors.As(err, &syntax) || reasons[syntax.Reason] == "" {
		tb.Fatalf("error is %#v", err)
	}
	return oracle.Fault{Error: reasons[syntax.Reason], Line: syntax.Line, Offset: syntax.Offset}
}

// parsed is the whole result of a parse.
type parsed[T any] struct {
	Items []T
	Fault oracle.Fault
}

func parseList[S upgrade.Text](tb testing.TB, lines []S) parsed[oracle.Product] {
	tb.Helper()
	list, err := upgrade.ParseList(lines...)
	result := parsed[oracle.Product]{Fault: fault(tb, err)}
	for p := range list.All() {
		result.Items = append(result.Items, asOracle(p))
	}
	if list.IsZero() != (len(result.Items) == 0) {
		tb.Errorf("%q: IsZero is %t with %d products", lines, list.IsZero(), len(result.Items))
	}
	return result
}

func parseConnection[S upgrade.Text](tb testing.TB, lines []S) parsed[string] {
	tb.Helper()
	connection, err := upgrade.ParseConnection(lines...)
	result := parsed[string]{Fault: fault(tb, err)}
	for option := range connection.All() {
		result.Items = append(result.Items, string(option))
	}
	return result
}

func asOracle[S upgrade.Text](p upgrade.Product[S]) oracle.Product {
	return oracle.Product{Name: string(p.Name()), Version: string(p.Version())}
}

func diff(tb testing.TB, what string, want, got any) {
	tb.Helper()
	if reflect.DeepEqual(want, got) {
		return // the usual case, and much faster
	}
	if d := cmp.Diff(want, got); d != "" {
		tb.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func mustList[S upgrade.Text](tb testing.TB, lines ...S) upgrade.List[S] {
	tb.Helper()
	list, err := upgrade.ParseList(lines...)
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

func mustConnection[S upgrade.Text](tb testing.TB, lines ...S) upgrade.Connection[S] {
	tb.Helper()
	connection, err := upgrade.ParseConnection(lines...)
	if err != nil {
		tb.Fatal(err)
	}
	return connection
}

// isToken reports whether c is a tchar (RFC 9110, section 5.6.2). It shares no code with
// the package.
func isToken(c byte) bool {
	switch {
	case '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z':
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}
