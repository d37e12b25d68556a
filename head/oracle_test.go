package head_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/oracle"
)

// The same language again, as regular expressions: slow, but with no cursor to get wrong.
const tokenRE = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

var (
	requestRE  = regexp.MustCompile("^(?:\r\n)?(" + tokenRE + `) ([!$-;=?-~]+) HTTP/(1)\.([0-9])` + "\r\n")
	lineRE     = regexp.MustCompile(`^(` + tokenRE + `):[\t ]*((?:[^\x00-\x08\x0A-\x1F\x7F]*[^\x00-\x20\x7F])?)[\t ]*` + "\r\n")
	statusRE   = regexp.MustCompile(`^HTTP/1\.([0-9]) ([1-5][0-9]{2}) [^\x00-\x08\x0A-\x1F\x7F]*` + "\r\n")
	numberRE   = regexp.MustCompile(`^[0-9]+$`)
	chunkedRE  = regexp.MustCompile(`^[\t ,]*[cC][hH][uU][nN][kK][eE][dD][\t ]*(?:,[\t ,]*)?$`)
	continueRE = regexp.MustCompile(`^[\t ,]*(?:100-[cC][oO][nN][tT][iI][nN][uU][eE][\t ]*(?:,[\t ,]*|$))*$`)
)

// referenceRequest reads the head of a request, and reports whether it is whole and
// well-formed. It knows no limits.
func referenceRequest(input string) (result, bool) {
	m := requestRE.FindStringSubmatch(input)
	if m == nil {
		return result{}, false
	}
	res := result{Method: m[1], Target: m[2], Major: 1, Minor: int(m[4][0] - '0')}
	fields, ok := referenceFields(&res, input, len(m[0]))
	if !ok || !oracle.Target(res.Method, res.Target) || !referenceContent(&res, fields) {
		return result{}, false
	}
	hosts := fields["host"]
	if len(hosts) > 1 || len(hosts) == 0 && res.Minor > 0 || len(hosts) == 1 && !oracle.Host(hosts[0]) {
		return result{}, false
	}
	if len(hosts) == 1 {
		res.Host = hosts[0]
	}
	for _, value := range fields["expect"] {
		if res.Minor > 0 {
			if !continueRE.MatchString(value) {
				return result{}, false
			}
			res.ExpectContinue = res.ExpectContinue || strings.Contains(value, "-")
		}
	}
	return res, true
}

// referenceResponse is referenceRequest for a response.
func referenceResponse(input string) (result, bool) {
	m := statusRE.FindStringSubmatch(input)
	if m == nil {
		return result{}, false
	}
	status, _ := strconv.Atoi(m[2])
	res := result{Status: status, Major: 1, Minor: int(m[1][0] - '0')}
	fields, ok := referenceFields(&res, input, len(m[0]))
	if !ok || status != 101 && !referenceContent(&res, fields) {
		return result{}, false
	}
	if status/100 == 1 || status == 204 || status == 304 {
		res.ContentLength, res.Chunked = 0, false
	} else if len(fields["content-length"]) == 0 {
		res.ContentLength = -1
	}
	return res, true
}

// referenceFields reads the field lines from offset on into res, and returns their values
// by their names in lower case.
func referenceFields(res *result, input string, offset int) (map[string][]string, bool) {
	rest := input[offset:]
	fields := make(map[string][]string)
	for !strings.HasPrefix(rest, "\r\n") {
		m := lineRE.FindStringSubmatch(rest)
		if m == nil {
			return nil, false
		}
		rest = rest[len(m[0]):]
		res.Fields = append(res.Fields, [2]string{m[1], m[2]})
		name := strings.ToLower(m[1])
		fields[name] = append(fields[name], m[2])
	}
	res.N = len(input) - len(rest) + 2
	res.Connection, res.Upgrade = fields["connection"], fields["upgrade"]
	return fields, true
}

// referenceContent reads into res what the fields say about the content. It reports
// whether they are well-formed.
func referenceContent(res *result, fields map[string][]string) bool {
	lengths, codings := fields["content-length"], fields["transfer-encoding"]
	switch {
	case len(lengths)+len(codings) > 1,
		len(lengths) == 1 && !numberRE.MatchString(lengths[0]),
		len(codings) == 1 && (!chunkedRE.MatchString(codings[0]) || res.Minor == 0):
		return false
	}
	if len(codings) == 1 {
		res.ContentLength, res.Chunked = -1, true
	}
	if len(lengths) == 1 {
		var err error
		res.ContentLength, err = strconv.ParseInt(lengths[0], 10, 64)
		return err == nil
	}
	return true
}

var unlimited = head.Limits{Bytes: head.NoLimit, Fields: head.NoLimit, Target: head.NoLimit}

// checkOracle compares a whole head with what the oracle reads.
func checkOracle(t *testing.T, input string, kind kind) {
	t.Helper()
	want, whole := kind.reference(input)
	got, fault := parseAs(t, kind.zero(), input, unlimited)
	if whole && fault.Reason != 0 {
		t.Fatalf("%q: %v at %d, but the oracle finds it well-formed", input, fault.Reason, fault.Offset)
	}
	diff(t, "head", want, got)
}
