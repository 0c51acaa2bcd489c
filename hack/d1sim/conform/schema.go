package conform

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// schemaValidator applies the schemas of one document in that document's version of
// JSON Schema.
type schemaValidator struct {
	options []openapi3.SchemaValidationOption
}

func newSchemaValidator(doc *openapi3.T) schemaValidator {
	// VisitAsResponse: a readOnly member (the issuer document has some) is only at
	// home in an answer.
	options := []openapi3.SchemaValidationOption{openapi3.VisitAsResponse(), openapi3.MultiErrors()}
	if doc.IsOpenAPI31OrLater() {
		// Without this option kin-openapi ignores the keywords that 3.1 brought,
		// "const" among them, and would accept any token_type.
		options = append(options, openapi3.EnableJSONSchema2020())
	}
	return schemaValidator{options: options}
}

// breach is a rule of a schema that a value breaks: where in the value, and by which
// keyword.
type breach struct {
	pointer string // JSON pointer, empty for the whole value
	keyword string
}

// breaches lists what value breaks in schema. It holds no part of the value.
func (s schemaValidator) breaches(schema *openapi3.Schema, value any) []breach {
	err := schema.VisitJSON(value, s.options...)
	if err == nil {
		return nil
	}
	if found := collectBreaches(err, nil); len(found) > 0 {
		// The order is that of a map otherwise.
		slices.SortFunc(found, func(a, b breach) int {
			return cmp.Or(cmp.Compare(a.pointer, b.pointer), cmp.Compare(a.keyword, b.keyword))
		})
		return found
	}
	return []breach{{keyword: "schema"}}
}

// collectBreaches walks to the leaves of err: the validators wrap the broken rules
// of an object's members in one error about the object.
func collectBreaches(err error, found []breach) []breach {
	var several openapi3.MultiError
	var one *openapi3.SchemaError
	switch {
	case errors.As(err, &one) && !isMultiError(err):
		inner := collectBreaches(one.Origin, nil)
		if len(inner) > 0 {
			return append(found, inner...)
		}
		if one.SchemaField == "" {
			return found
		}
		return append(found, breach{pointer: pointer(one), keyword: one.SchemaField})
	case errors.As(err, &several):
		for _, each := range several {
			found = collectBreaches(each, found)
		}
	}
	return found
}

// isMultiError tells a list of errors, perhaps wrapped, from a single one. A list is
// looked for first because errors.As would otherwise see only its first element.
func isMultiError(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if _, ok := err.(openapi3.MultiError); ok { //nolint:errorlint // the loop does the unwrapping, one step at a time
			return true
		}
		if _, ok := err.(*openapi3.SchemaError); ok { //nolint:errorlint // as above
			return false
		}
	}
	return false
}

func pointer(err *openapi3.SchemaError) string {
	if path := err.JSONPointer(); len(path) > 0 {
		return "/" + strings.Join(path, "/")
	}
	return ""
}
