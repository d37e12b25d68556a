package handshake_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/oracle"
)

var errorNames = map[error]string{
	upgrade.ErrToken:          "ErrToken",
	upgrade.ErrVersion:        "ErrVersion",
	upgrade.ErrDelimiter:      "ErrDelimiter",
	upgrade.ErrNoElement:      "ErrNoElement",
	handshake.ErrHTTPVersion:  "ErrHTTPVersion",
	handshake.ErrNoUpgrade:    "ErrNoUpgrade",
	handshake.ErrNoOption:     "ErrNoOption",
	handshake.ErrNotSupported: "ErrNotSupported",
	handshake.ErrStatus:       "ErrStatus",
	handshake.ErrNotOffered:   "ErrNotOffered",
	handshake.ErrNoProduct:    "ErrNoProduct",
	handshake.ErrFieldName:    "ErrFieldName",
	handshake.ErrFieldValue:   "ErrFieldValue",
	handshake.ErrReserved:     "ErrReserved",
	handshake.ErrMethod:       "ErrMethod",
	handshake.ErrTarget:       "ErrTarget",
	handshake.ErrHost:         "ErrHost",
	handshake.ErrOption:       "ErrOption",
}

// fault returns err in the oracle's form. It stops the test if this package must not
// return such an error.
func fault(tb testing.TB, err error) oracle.Fault {
	tb.Helper()
	if err == nil {
		return oracle.Fault{}
	}
	if malformed, ok := err.(*handshake.FieldError); ok {
		if malformed.Field != "Connection" && malformed.Field != "Upgrade" {
			tb.Fatalf("error is %#v", err)
		}
		checkChain(tb, err, malformed.Err)
		return oracle.Fault{
			Error: errorNames[malformed.Err.Reason], Field: malformed.Field,
			Line: malformed.Err.Line, Offset: malformed.Err.Offset,
		}
	}
	name := errorNames[err]
	if name == "" {
		tb.Fatalf("error is %#v", err)
	}
	return oracle.Fault{Error: name}
}

// checkChain reports an error that does not unwrap to the place and the reason of the
// malformed field, or whose text is not plain.
func checkChain(tb testing.TB, err error, want *upgrade.SyntaxError) {
	tb.Helper()
	var syntax *upgrade.SyntaxError
	if !errors.As(err, &syntax) || syntax != want || !errors.Is(err, want.Reason) {
		tb.Errorf("%v does not unwrap to %v", err, want)
	}
	checkErrorText(tb, err)
}

func checkErrorText(tb testing.TB, err error) {
	tb.Helper()
	text := err.Error()
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			tb.Errorf("error text %q is not printable ASCII", text)
		}
	}
}

// responseFault returns the name of the error and the index of the field, -1 if there
// is none.
func responseFault(tb testing.TB, err error) (name string, index int) {
	tb.Helper()
	index = -1
	if err == nil {
		return "", index
	}
	checkErrorText(tb, err)
	if field, ok := err.(*handshake.ResponseError); ok {
		if !errors.Is(err, field.Err) {
			tb.Errorf("%v does not unwrap to %v", err, field.Err)
		}
		index, err = field.Index, field.Err
	}
	if name = errorNames[err]; name == "" {
		tb.Fatalf("error is %#v", err)
	}
	return name, index
}

// answer is a result of Offer, Select or Switched.
type answer struct {
	Products []oracle.Product
	Fault    oracle.Fault
}

func asAnswer[S upgrade.Text](tb testing.TB, list upgrade.List[S], err error) answer {
	tb.Helper()
	a := answer{Fault: fault(tb, err)}
	for p := range list.All() {
		a.Products = append(a.Products, asOracle(p))
	}
	if (err == nil) == list.IsZero() {
		tb.Errorf("%d products with error %v", len(a.Products), err)
	}
	return a
}

func asOracle[S upgrade.Text](p upgrade.Product[S]) oracle.Product {
	return oracle.Product{Name: string(p.Name()), Version: string(p.Version())}
}

// products parses texts. "" is the zero Product.
func products(tb testing.TB, texts []string) []upgrade.Product[string] {
	tb.Helper()
	var all []upgrade.Product[string]
	for _, text := range texts {
		p, err := upgrade.ParseProduct(text)
		if err != nil && text != "" {
			tb.Fatalf("%q: %v", text, err)
		}
		all = append(all, p)
	}
	return all
}

func asOracles(products []upgrade.Product[string]) []oracle.Product {
	var all []oracle.Product
	for _, p := range products {
		all = append(all, asOracle(p))
	}
	return all
}

func diff(tb testing.TB, what string, want, got any) {
	tb.Helper()
	if reflect.DeepEqual(want, got) {
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		tb.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// checkOffer compares Offer and Select, of strings and of bytes, with the oracle, and
// Select with Offer and List.Select.
func checkOffer(tb testing.TB, major, minor int, connection, offered []string, supported []upgrade.Product[string]) {
	tb.Helper()
	ours := asOracles(supported)
	wantProducts, wantFault := oracle.Offer(major, minor, connection, offered)
	wantSelect, wantSelectFault := oracle.Select(major, minor, connection, offered, ours)

	list, err := handshake.Offer(major, minor, connection, offered)
	diff(tb, "offer", answer{wantProducts, wantFault}, asAnswer(tb, list, err))
	p, selectErr := handshake.Select(major, minor, connection, offered, supported...)
	diff(tb, "select", selected{wantSelect, wantSelectFault}, selected{asOracle(p), fault(tb, selectErr)})
	if err == nil && p != list.Select(supported...) {
		tb.Errorf("Select returns %q, List.Select %q", p, list.Select(supported...))
	}

	connectionBytes, offeredBytes := corpus.Bytes(connection), corpus.Bytes(offered)
	listBytes, err := handshake.Offer(major, minor, connectionBytes, offeredBytes)
	diff(tb, "offer of bytes", answer{wantProducts, wantFault}, asAnswer(tb, listBytes, err))
	q, err := handshake.Select(major, minor, connectionBytes, offeredBytes, supported...)
	diff(tb, "select of bytes", selected{wantSelect, wantSelectFault}, selected{asOracle(q), fault(tb, err)})
	if p != q {
		tb.Errorf("Select of strings returns %q, of bytes %q", p, q)
	}
}

type selected struct {
	Product oracle.Product
	Fault   oracle.Fault
}

// checkSwitched compares Switched, of strings and of bytes, with the oracle.
func checkSwitched(tb testing.TB, status, major, minor int, connection, chosen []string, offered []upgrade.Product[string]) {
	tb.Helper()
	wantProducts, wantFault := oracle.Switched(status, major, minor, connection, chosen, asOracles(offered))
	list, err := handshake.Switched(status, major, minor, connection, chosen, offered...)
	diff(tb, "switched", answer{wantProducts, wantFault}, asAnswer(tb, list, err))
	listBytes, err := handshake.Switched(status, major, minor, corpus.Bytes(connection), corpus.Bytes(chosen), offered...)
	diff(tb, "switched of bytes", answer{wantProducts, wantFault}, asAnswer(tb, listBytes, err))
}
