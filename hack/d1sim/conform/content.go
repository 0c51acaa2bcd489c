package conform

import (
	"mime"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

func (o operation) checkContent(response *openapi3.Response, answer Answer) []Violation {
	if len(response.Content) == 0 {
		return checkNoContent(answer)
	}
	contentType := answer.Header.Get("Content-Type")
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil || response.Content[mediaType] == nil {
		return []Violation{violation(WrongContentType, "%q is not documented for %d", contentType, answer.Status)}
	}
	value, err := decodeJSON(answer.Body)
	if err != nil {
		return []Violation{violation(MalformedBody, "%s", err)}
	}
	return o.checkBody(response.Content[mediaType].Schema.Value, value)
}

func checkNoContent(answer Answer) []Violation {
	var violations []Violation
	if len(answer.Body) > 0 {
		violations = append(violations, violation(UnexpectedBody, "%d bytes where %d has no content", len(answer.Body), answer.Status))
	}
	// A client that sees Content-Length on a 204 may wait for the bytes it promises,
	// so RFC 9110 section 8.6 forbids even zero. The length of a 204 that promises
	// more never shows in Body: HTTP clients stop reading at the header.
	if length := answer.Header.Get("Content-Length"); answer.Status == 204 && length != "" {
		violations = append(violations, violation(UnexpectedBody, "Content-Length: %s on 204", length))
	}
	if contentType := answer.Header.Get("Content-Type"); contentType != "" {
		violations = append(violations, violation(WrongContentType, "%q where %d has no content", contentType, answer.Status))
	}
	return violations
}

func (o operation) checkBody(schema *openapi3.Schema, value any) []Violation {
	var violations []Violation
	for _, broken := range o.schemas.breaches(schema, value) {
		violations = append(violations, violation(WrongBody, "%q breaks %q", broken.pointer, broken.keyword))
	}
	object, ok := value.(map[string]any)
	if !ok {
		return violations
	}
	violations = append(violations, undocumentedMembers(schema, object)...)
	if len(violations) > 0 {
		return violations
	}
	return checkInstants(schema, object)
}

// undocumentedMembers looks past an open schema: an answer that carries more than is
// written down is either a leak or a gap in the documents.
func undocumentedMembers(schema *openapi3.Schema, object map[string]any) []Violation {
	var violations []Violation
	for _, name := range sortedNames(object) {
		if schema.Properties[name] == nil {
			violations = append(violations, violation(UndocumentedMember, "%q", name))
		}
	}
	return violations
}

// checkInstants holds date-time members to UTC, which the documents ask for in words
// only.
func checkInstants(schema *openapi3.Schema, object map[string]any) []Violation {
	var violations []Violation
	for _, name := range sortedNames(object) {
		text, isText := object[name].(string)
		property := schema.Properties[name]
		if !isText || property == nil || property.Value.Format != "date-time" {
			continue
		}
		instant, err := time.Parse(time.RFC3339, text)
		if err != nil {
			violations = append(violations, violation(WrongBody, `"/%s" is not an RFC 3339 instant`, name))
			continue
		}
		if _, offset := instant.Zone(); offset != 0 {
			violations = append(violations, violation(WrongBody, `"/%s" is not in UTC`, name))
		}
	}
	return violations
}
