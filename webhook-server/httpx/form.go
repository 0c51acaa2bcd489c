package httpx

import (
	"errors"
	"net/url"
	"strings"
)

// ErrMalformedForm says that percent-encoding in a form is broken.
var ErrMalformedForm = errors.New("malformed form")

// Form is a decoded form body, in the order of its text.
type Form []Field

// Field is one name and value of a form.
type Field struct{ Name, Value string }

// DecodeForm reads application/x-www-form-urlencoded text. Unlike net/url it takes a semicolon for an ordinary character, as the
// specification of the format does; unlike http.Request.Form nothing of the query gets in. Any broken percent-encoding is an error.
func DecodeForm(body string) (Form, error) {
	var form Form
	for body != "" {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil {
			return nil, ErrMalformedForm
		}
		form = append(form, Field{name, value})
	}
	return form, nil
}

// Get answers the first value of a name and how often the name stands there.
func (f Form) Get(name string) (value string, count int) {
	for _, field := range f {
		if field.Name != name {
			continue
		}
		if count == 0 {
			value = field.Value
		}
		count++
	}
	return value, count
}
