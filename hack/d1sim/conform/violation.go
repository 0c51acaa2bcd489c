package conform

import "fmt"

// Kind says in which way an answer departs from the documented contract. The set
// is closed, so that violations can be counted by it.
type Kind string

// The kinds of violation.
const (
	// UndocumentedStatus is a status code that the operation does not list.
	UndocumentedStatus Kind = "undocumented-status"
	// MissingHeader is a required header that the answer does not have.
	MissingHeader Kind = "missing-header"
	// WrongHeader is a documented header whose value breaks its schema.
	WrongHeader Kind = "wrong-header"
	// UndocumentedHeader is a header that neither the document nor plain HTTP
	// explains, such as one that names the server's software.
	UndocumentedHeader Kind = "undocumented-header"
	// WrongContentType is a media type other than the documented one, or one on
	// an answer that has no content.
	WrongContentType Kind = "wrong-content-type"
	// UnexpectedBody is content where the document describes none.
	UnexpectedBody Kind = "unexpected-body"
	// MalformedBody is content that is not exactly one JSON value with distinct
	// member names (RFC 8259).
	MalformedBody Kind = "malformed-body"
	// WrongBody is JSON that breaks the documented schema.
	WrongBody Kind = "wrong-body"
	// UndocumentedMember is a member of an object that its schema does not name.
	UndocumentedMember Kind = "undocumented-member"
)

// Violation is one departure of one answer. Detail is for people. It never holds a
// value from the body, because the body of a token answer is a credential.
type Violation struct {
	Kind   Kind
	Detail string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s", v.Kind, v.Detail)
}

func violation(kind Kind, format string, args ...any) Violation {
	return Violation{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
