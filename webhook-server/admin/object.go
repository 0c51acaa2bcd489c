package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

var errNotObject = errors.New("the body must be one JSON object")

// readObject hands over the members of a JSON object, in their order. It is strict where encoding/json is not: names keep their letter case for
// the caller to compare, no member may stand twice or be null, and nothing may follow the object. Its errors can be shown to the caller.
func readObject(body []byte, take func(name string, value json.RawMessage) error) error {
	if !utf8.Valid(body) {
		return errNotObject
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return errNotObject
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return errNotObject
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return errNotObject
		}
		switch {
		case seen[name]:
			return fmt.Errorf("%s stands twice", quoted(name))
		case string(value) == "null":
			return fmt.Errorf("%s is null: leave it out", quoted(name))
		}
		seen[name] = true
		if err := take(name, value); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return errNotObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errNotObject
	}
	return nil
}

// asText reads a member that must be a string.
func asText(name string, value json.RawMessage) (string, error) {
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return "", fmt.Errorf("%s must be a string", quoted(name))
	}
	return text, nil
}

// asBool reads a member that must be true or false.
func asBool(name string, value json.RawMessage) (bool, error) {
	switch string(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%s must be true or false", name)
}

// asCount reads a member that must be a whole number, 0 or more.
func asCount(name string, value json.RawMessage) (int, error) {
	n, err := strconv.ParseInt(string(value), 10, 32)
	if err != nil || n < 0 || value[0] == '-' {
		return 0, fmt.Errorf("%s must be a whole number, 0 or more", name)
	}
	return int(n), nil
}

// quoted is a name that a caller made up, as an error shows it: cut when it is long.
func quoted(name string) string {
	const shown = 40
	if len(name) > shown {
		name = name[:shown] + "…"
	}
	return strconv.Quote(name)
}
