package running

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

// judge holds every answer against the contract: the two documents by package conform, and what they cannot say by rules of its own.
type judge struct {
	checkers map[string]*conform.Checker // by path of the token endpoint
}

var notifyPath = regexp.MustCompile(`^/merchant-gateways/[^/]*/merchants/[^/]*/tokens/[^/]*/notify-update$`)

func newJudge(tb testing.TB) judge {
	tb.Helper()
	j := judge{checkers: map[string]*conform.Checker{}}
	for path, dialect := range map[string]conform.Dialect{fixture.TokenPath: conform.Ecom, fixture.IssuerTokenPath: conform.Issuer} {
		checker, err := conform.NewChecker(dialect)
		if err != nil {
			tb.Fatal(err)
		}
		j.checkers[path] = checker
	}
	return j
}

// faults lists in what an answer to a request with that method and target breaks the contract.
func (j judge) faults(method, target string, a Answer) []string {
	path, _, _ := strings.Cut(target, "?")
	found := anyAnswer(a)
	checker, isToken := j.checkers[path]
	isNotify := notifyPath.MatchString(path)
	switch {
	case !isToken && !isNotify:
		return append(found, otherFaults(method, path, a)...)
	case method != http.MethodPost:
		return append(found, otherMethod(a)...)
	case isToken:
		found = append(found, tokenAnswer(a)...)
	default:
		checker = j.checkers[fixture.TokenPath]
		found = append(found, notifyAnswer(a)...)
	}
	operation := map[bool]conform.Operation{true: conform.Token, false: conform.Notify}[isToken]
	for _, violation := range checker.Check(operation, conform.Answer{Status: a.Status, Header: a.Header, Body: []byte(a.Body)}) {
		// The contract has one error object for both dialects. The Issuer document is open to it without naming the member.
		if path == fixture.IssuerTokenPath && violation.Kind == conform.UndocumentedMember && violation.Detail == `"errorCode"` {
			continue
		}
		found = append(found, "conform: "+violation.String())
	}
	return found
}

// A fault list is built from claims that do not hold.
type faultList []string

func (f *faultList) unless(holds bool, format string, args ...any) {
	if !holds {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

var (
	stackTrace    = regexp.MustCompile(`goroutine \d|\.go:\d|runtime error`)
	wholeSeconds  = regexp.MustCompile(`^[1-9][0-9]*$`)
	serverHeaders = []string{"Server", "X-Powered-By", "Via", "Location", "Set-Cookie"}
)

// anyAnswer is what holds on every path.
func anyAnswer(a Answer) []string {
	var f faultList
	for _, name := range serverHeaders {
		f.unless(len(a.Header[name]) == 0, "there is a %s header", name)
	}
	f.unless(a.Status < 300 || a.Status > 399, "status %d is a redirect", a.Status)
	f.unless(a.Status != http.StatusTooManyRequests, "status is 429")
	f.unless(!stackTrace.MatchString(a.Body), "the body shows a stack trace")
	if a.Status == http.StatusServiceUnavailable {
		f.unless(wholeSeconds.MatchString(a.Header.Get("Retry-After")), "Retry-After is %q", a.Header.Get("Retry-After"))
		f.unless(a.Body == "", "503 has a body")
	}
	return f
}

func otherMethod(a Answer) []string {
	var f faultList
	f.unless(a.Status == http.StatusMethodNotAllowed, "status is %d and not 405", a.Status)
	f.unless(slices.Equal(a.Header["Allow"], []string{http.MethodPost}), "Allow is %q", a.Header["Allow"])
	f.unless(a.Body == "" && a.Header.Get("Content-Type") == "", "there is a body of %q", a.Header.Get("Content-Type"))
	return f
}

const (
	basicChallenge   = `Basic realm="d1", charset="UTF-8"`
	bearerChallenge  = `Bearer realm="d1"` //nolint:gosec // a challenge, no credential
	invalidChallenge = bearerChallenge + `, error="invalid_token"`
)

func tokenAnswer(a Answer) []string {
	var f faultList
	f.unless(slices.Contains([]int{200, 400, 401, 503}, a.Status), "status %d is not in the contract", a.Status)
	if a.Status == http.StatusServiceUnavailable {
		return f
	}
	f.unless(slices.Equal(a.Header["Cache-Control"], []string{"no-store"}), "Cache-Control is %q", a.Header["Cache-Control"])
	f.unless(slices.Equal(a.Header["Pragma"], []string{"no-cache"}), "Pragma is %q", a.Header["Pragma"])
	f.unless(a.Header.Get("Content-Type") == "application/json", "Content-Type is %q", a.Header.Get("Content-Type"))
	var members map[string]any
	f.unless(json.Unmarshal([]byte(a.Body), &members) == nil, "the body is no JSON object")
	names := map[int][]string{200: {"access_token", "token_type", "expires_in", "expires_at", "scope"}, 400: {"error", "errorCode"}, 401: {"error"}}[a.Status]
	for name := range members {
		f.unless(slices.Contains(names, name), "%d has the member %q", a.Status, name)
	}
	switch a.Status {
	case http.StatusOK:
		for _, name := range names[:4] {
			f.unless(members[name] != nil, "the answer has no %s", name)
		}
		f.unless(members["token_type"] == "Bearer", "token_type is %v", members["token_type"])
	case http.StatusBadRequest:
		f.unless(members["errorCode"] == "FIELD_INVALID_FORMAT", "errorCode is %v", members["errorCode"])
	case http.StatusUnauthorized:
		f.unless(a.Body == `{"error":"invalid_client"}`, "401 has the body %q", a.Body)
	}
	wantChallenge := []string(nil)
	if a.Status == http.StatusUnauthorized {
		wantChallenge = []string{basicChallenge}
	}
	f.unless(slices.Equal(a.Header["Www-Authenticate"], wantChallenge), "WWW-Authenticate is %q", a.Header["Www-Authenticate"])
	return f
}

// errorCodes are those of the contract, by status.
var errorCodes = map[int][]string{
	http.StatusBadRequest:          {"FIELD_INVALID_FORMAT"},
	http.StatusNotFound:            {"UNKNOWN_MERCHANT", "UNKNOWN_TOKEN"},
	http.StatusInternalServerError: {"MERCHANT_ERROR"},
}

func notifyAnswer(a Answer) []string {
	var f faultList
	f.unless(slices.Contains([]int{204, 400, 401, 404, 500, 503}, a.Status), "status %d is not in the contract", a.Status)
	challenges := a.Header["Www-Authenticate"]
	if a.Status == http.StatusUnauthorized {
		f.unless(slices.Equal(challenges, []string{bearerChallenge}) || slices.Equal(challenges, []string{invalidChallenge}), "WWW-Authenticate is %q", challenges)
	} else {
		f.unless(len(challenges) == 0, "WWW-Authenticate is %q", challenges)
	}
	codes := errorCodes[a.Status]
	if codes == nil {
		f.unless(a.Body == "" && len(a.Header["Content-Type"]) == 0, "%d has a body or a Content-Type", a.Status)
		f.unless(a.Status != http.StatusNoContent || len(a.Header["Content-Length"]) == 0, "204 has a Content-Length")
		return f
	}
	f.unless(a.Header.Get("Content-Type") == "application/json", "Content-Type is %q", a.Header.Get("Content-Type"))
	var members map[string]string
	f.unless(json.Unmarshal([]byte(a.Body), &members) == nil, "the body %q is no JSON object of strings", a.Body)
	f.unless(slices.Contains(codes, members["errorCode"]), "%d has the errorCode %q", a.Status, members["errorCode"])
	for name := range members {
		f.unless(name == "errorCode" || name == "error", "there is a member %q", name)
	}
	return f
}
