// Package conform judges answers to Thales D1 by the two OpenAPI documents of its
// contract and by the RFCs they lean on (6749, 6750, 8259, 9110).
//
// A validator for general use checks what a document mentions: it lets an
// unmentioned header pass, and a body where no content is described. D1 may be less
// patient, so this package starts from the opposite side: what is not documented is
// a violation.
package conform

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/d1gateway/d1gateway/hack/d1sim/contract"
)

// Dialect says which document describes the token endpoint. The two differ in the
// type of expires_in.
type Dialect string

// The dialects of the token endpoint.
const (
	// Ecom answers expires_in as a number.
	Ecom Dialect = "ecom"
	// Issuer answers expires_in as a string of digits.
	Issuer Dialect = "issuer"
)

// Operation is one of the two calls that D1 makes.
type Operation string

// The operations of the contract.
const (
	// Token asks for an access token (RFC 6749 section 4.4).
	Token Operation = "token"
	// Notify announces that a token changed.
	Notify Operation = "notify-update"
)

const (
	tokenPath  = "/oauth2/token" // #nosec G101 -- a path
	notifyPath = "/merchant-gateways/{merchantGatewayId}/merchants/{merchantId}/tokens/{tokenId}/notify-update"
)

// Answer is what the server under test returned, its body read to the end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Checker judges answers. It may be used by several goroutines at once.
type Checker struct {
	operations map[Operation]operation
	tokenPath  string
}

// operation is a documented operation with what it takes to validate its answers.
type operation struct {
	responses *openapi3.Responses
	schemas   schemaValidator
	challenge string // authentication scheme that its 401 must name
}

// NewChecker reads the documents for a dialect. Notifications are described by the
// eCom document alone, so both dialects share them.
func NewChecker(dialect Dialect) (*Checker, error) {
	ecom, err := load(contract.Ecom)
	if err != nil {
		return nil, fmt.Errorf("loading the eCom document: %w", err)
	}
	token := ecom
	if dialect == Issuer {
		if token, err = load(contract.Issuer); err != nil {
			return nil, fmt.Errorf("loading the issuer document: %w", err)
		}
	}
	if dialect != Ecom && dialect != Issuer {
		return nil, fmt.Errorf("unknown dialect %q", dialect)
	}
	checker := &Checker{operations: map[Operation]operation{}}
	if checker.operations[Token], err = describe(token, tokenPath, "Basic"); err != nil {
		return nil, err
	}
	if checker.operations[Notify], err = describe(ecom, notifyPath, "Bearer"); err != nil {
		return nil, err
	}
	base, err := basePath(token)
	if err != nil {
		return nil, err
	}
	checker.tokenPath = base + tokenPath
	return checker, nil
}

// TokenPath is the documented path of the token endpoint, with the base path of its
// server.
func (c *Checker) TokenPath() string { return c.tokenPath }

// Check returns every violation in one answer, none when it conforms.
func (c *Checker) Check(op Operation, answer Answer) []Violation {
	documented := c.operations[op]
	ref := documented.responses.Status(answer.Status)
	if ref == nil {
		violations := []Violation{violation(UndocumentedStatus, "%d is not documented for %s", answer.Status, op)}
		return append(violations, undocumentedHeaders(nil, answer.Header)...)
	}
	violations := documented.checkHeaders(ref.Value, answer)
	return append(violations, documented.checkContent(ref.Value, answer)...)
}

func load(data []byte) (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("parsing OpenAPI: %w", err)
	}
	// Validation also tries the document's own examples against its schemas.
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("validating OpenAPI: %w", err)
	}
	return doc, nil
}

func describe(doc *openapi3.T, path, challenge string) (operation, error) {
	item := doc.Paths.Value(path)
	if item == nil || item.Post == nil {
		return operation{}, fmt.Errorf("the document has no POST %s", path)
	}
	return operation{
		responses: item.Post.Responses,
		schemas:   newSchemaValidator(doc),
		challenge: challenge,
	}, nil
}

func basePath(doc *openapi3.T) (string, error) {
	if len(doc.Servers) == 0 {
		return "", nil
	}
	server, err := url.Parse(doc.Servers[0].URL)
	if err != nil {
		return "", fmt.Errorf("parsing the document's server URL: %w", err)
	}
	return strings.TrimSuffix(server.Path, "/"), nil
}
