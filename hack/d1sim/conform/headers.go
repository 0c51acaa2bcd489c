package conform

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// plainHeaders need no mention in an API document: they belong to HTTP itself, or
// restrict what a client may do with the answer. They tell nothing about the server.
var plainHeaders = []string{
	"Alt-Svc", "Cache-Control", "Connection", "Content-Length", "Content-Type", "Date", "Keep-Alive",
	"Pragma", "Strict-Transport-Security", "Trailer", "Transfer-Encoding", "Vary", "X-Content-Type-Options",
}

func (o operation) checkHeaders(response *openapi3.Response, answer Answer) []Violation {
	var violations []Violation
	for _, name := range sortedNames(response.Headers) {
		violations = append(violations, o.checkHeader(name, response.Headers[name].Value, answer.Header)...)
	}
	violations = append(violations, o.checkStatusHeader(answer)...)
	return append(violations, undocumentedHeaders(response.Headers, answer.Header)...)
}

func (o operation) checkHeader(name string, documented *openapi3.Header, got http.Header) []Violation {
	values := got.Values(name)
	if len(values) == 0 {
		if documented.Required {
			return []Violation{violation(MissingHeader, "%s", name)}
		}
		return nil
	}
	if documented.Schema == nil {
		return nil
	}
	// Several field lines are one list (RFC 9110 section 5.2).
	value := strings.Join(values, ", ")
	var violations []Violation
	for _, broken := range o.schemas.breaches(documented.Schema.Value, headerValue(documented.Schema.Value, value)) {
		violations = append(violations, violation(WrongHeader, "%s breaks %q", name, broken.keyword))
	}
	return violations
}

// headerValue gives a field value the JSON type its schema expects. Text that is not
// a number stays text, so that the schema refuses it.
func headerValue(schema *openapi3.Schema, value string) any {
	if schema.Type.Is(openapi3.TypeInteger) {
		if number, err := strconv.ParseInt(value, 10, 32); err == nil {
			return float64(number)
		}
	}
	return value
}

// checkStatusHeader asks for what the RFCs want beside the documents: a 503 that says
// when to come back, and a 401 whose challenge names the right scheme (RFC 6749
// section 5.2, RFC 6750 section 3).
func (o operation) checkStatusHeader(answer Answer) []Violation {
	switch answer.Status {
	case http.StatusServiceUnavailable:
		if answer.Header.Get("Retry-After") == "" {
			return []Violation{violation(MissingHeader, "Retry-After")}
		}
	case http.StatusUnauthorized:
		challenges := answer.Header.Values("WWW-Authenticate")
		named := slices.ContainsFunc(challenges, func(challenge string) bool {
			scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
			return strings.EqualFold(scheme, o.challenge)
		})
		if len(challenges) > 0 && !named {
			return []Violation{violation(WrongHeader, "WWW-Authenticate does not name the scheme %s", o.challenge)}
		}
	}
	return nil
}

func undocumentedHeaders(documented openapi3.Headers, got http.Header) []Violation {
	known := map[string]bool{}
	for _, name := range plainHeaders {
		known[name] = true
	}
	for name := range documented {
		known[http.CanonicalHeaderKey(name)] = true
	}
	var violations []Violation
	for _, name := range sortedNames(got) {
		if !known[http.CanonicalHeaderKey(name)] {
			violations = append(violations, violation(UndocumentedHeader, "%s", name))
		}
	}
	return violations
}

func sortedNames[V any, M ~map[string]V](m M) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
