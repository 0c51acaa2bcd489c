package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// ErrNotObject says that bytes are not one JSON object in UTF-8 with bounded nesting.
var ErrNotObject = errors.New("not a JSON object")

// ErrNotString says that the member asked for is missing, stands twice, or is not a string.
var ErrNotString = errors.New("member is not one string")

// ErrRepeated says that a member that may stand once stands twice.
var ErrRepeated = errors.New("member is repeated")

// StringMember answers one string member of a JSON object (RFC 8259) and lets every other member pass unread. It is strict where
// encoding/json is not: names are compared with their letter case, the member may stand only once, the bytes must be UTF-8, and nothing
// may be nested deeper than maxDepth, the object itself being the first level. The errors are ErrNotObject and ErrNotString.
func StringMember(body []byte, name string, maxDepth int) (string, error) {
	s, err := newObjectScan(body, maxDepth)
	if err != nil {
		return "", err
	}
	var found []byte
	times := 0
	for s.nextMember() {
		if s.name == name {
			found = s.value
			times++
		}
	}
	if s.tooDeep {
		return "", ErrNotObject
	}
	if times != 1 || found[0] != '"' {
		return "", ErrNotString
	}
	return unquote(found), nil
}

// Members decodes members of a JSON object (RFC 8259) into the values that the pointers point to, by name, and lets every other member
// pass unread. Names are compared with their letter case, a member of the map may stand only once, and the bytes must be UTF-8. What
// is missing leaves its value alone. The errors are ErrNotObject, ErrRepeated, and those of json.Unmarshal for a member's value, which
// may repeat a part of it.
func Members(object []byte, into map[string]any) error {
	s, err := newObjectScan(object, math.MaxInt) // encoding/json has a limit of its own
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(into))
	for s.nextMember() {
		pointer, wanted := into[s.name]
		if !wanted {
			continue
		}
		if seen[s.name] {
			return ErrRepeated
		}
		seen[s.name] = true
		if err := json.Unmarshal(s.value, pointer); err != nil {
			return fmt.Errorf("member %s: %w", s.name, err)
		}
	}
	return nil
}

// newObjectScan is at the start of the object that body must be.
func newObjectScan(body []byte, maxDepth int) (objectScan, error) {
	// The scan leans on valid JSON: it looks only for quotes, brackets and commas.
	if !utf8.Valid(body) || !json.Valid(body) {
		return objectScan{}, ErrNotObject
	}
	s := objectScan{rest: bytes.Trim(body, " \t\r\n"), maxDepth: maxDepth}
	if s.rest[0] != '{' {
		return objectScan{}, ErrNotObject
	}
	return s, nil
}

// objectScan walks the members of an object that is known to be valid JSON.
type objectScan struct {
	rest     []byte // from the opening brace, or from where the last value ended
	maxDepth int
	tooDeep  bool
	name     string
	value    []byte // as written, without spaces around it
}

// nextMember takes the next member and says whether there was one.
func (s *objectScan) nextMember() bool {
	s.rest = skipSpace(s.rest[1:]) // the opening brace or the comma
	if len(s.rest) == 0 || s.rest[0] == '}' {
		return false
	}
	end := stringEnd(s.rest)
	s.name = unquote(s.rest[:end])
	s.rest = skipSpace(skipSpace(s.rest[end:])[1:]) // the colon
	end = s.valueEnd()
	if s.tooDeep {
		return false
	}
	s.value, s.rest = bytes.TrimRight(s.rest[:end], " \t\r\n"), s.rest[end:]
	return len(s.rest) > 0
}

// valueEnd is the index of the comma or brace that follows the value at the start of rest.
func (s *objectScan) valueEnd() int {
	depth := 1
	for i := 0; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '"':
			i += stringEnd(s.rest[i:]) - 1
		case '{', '[':
			if depth++; depth > s.maxDepth {
				s.tooDeep = true
				return i
			}
		case '}', ']':
			if depth--; depth == 0 {
				return i
			}
		case ',':
			if depth == 1 {
				return i
			}
		}
	}
	return len(s.rest)
}

// stringEnd is the length of the JSON string at the start of b.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func skipSpace(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// unquote answers the text of a JSON string that is known to be valid.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return ""
	}
	return text
}
