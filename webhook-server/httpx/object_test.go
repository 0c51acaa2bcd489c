package httpx_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

const depth = 64

func nested(levels int) string {
	return `{"u":"A","x":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
}

func TestStringMember(t *testing.T) {
	for name, c := range map[string]struct {
		body, want string
		err        error
	}{
		"the only member":                        {`{"u":"A"}`, "A", nil},
		"spaces everywhere":                      {" \t\r\n{ \"u\" \n:\t\"A\" } \n", "A", nil},
		"among others of every kind":             {`{"a":1,"b":[1,{"u":"no"},"]}\""],"u":"A","c":{"u":"no"},"d":null,"e":true,"f":-1.5e3}`, "A", nil},
		"as the last of several":                 {`{"a":"x","u":"A"}`, "A", nil},
		"escapes in the value":                   {`{"u":"\u0041\n\"\\"}`, "A\n\"\\", nil},
		"escapes in the name":                    {`{"\u0075":"A"}`, "A", nil},
		"an empty string":                        {`{"u":""}`, "", nil},
		"20 levels":                              {nested(20), "A", nil},
		"as deep as allowed":                     {nested(depth), "A", nil},
		"one level deeper":                       {nested(depth + 1), "", httpx.ErrNotObject},
		"nested without end":                     {`{"x":` + strings.Repeat("[", 50000), "", httpx.ErrNotObject},
		"nested deeply and closed":               {nested(30000), "", httpx.ErrNotObject},
		"many brackets side by side":             {`{"u":"A","x":[` + strings.Repeat("[],", 1000) + `{}]}`, "A", nil},
		"brackets inside a string":               {`{"u":"A","x":"` + strings.Repeat("[", 1000) + `"}`, "A", nil},
		"a repeated member":                      {`{"u":"A","u":"B"}`, "", httpx.ErrNotString},
		"a member repeated with the same value":  {`{"u":"A","u":"A"}`, "", httpx.ErrNotString},
		"a member repeated with escapes":         {`{"u":"A","\u0075":"B"}`, "", httpx.ErrNotString},
		"another member repeated":                {`{"u":"A","x":1,"x":2}`, "A", nil},
		"repeated inside another member":         {`{"u":"A","x":{"y":1,"y":2}}`, "A", nil},
		"the member and another repeated":        {`{"u":"A","u":"A","x":1,"x":2}`, "", httpx.ErrNotString},
		"the name in another letter case":        {`{"U":"A"}`, "", httpx.ErrNotString},
		"the name in two letter cases":           {`{"U":"B","u":"A"}`, "A", nil},
		"the member is missing":                  {`{}`, "", httpx.ErrNotString},
		"the member is only inside another":      {`{"x":{"u":"A"}}`, "", httpx.ErrNotString},
		"null":                                   {`{"u":null}`, "", httpx.ErrNotString},
		"a number":                               {`{"u":1}`, "", httpx.ErrNotString},
		"a boolean":                              {`{"u":true}`, "", httpx.ErrNotString},
		"an array":                               {`{"u":["A"]}`, "", httpx.ErrNotString},
		"an object":                              {`{"u":{"u":"A"}}`, "", httpx.ErrNotString},
		"no bytes":                               {``, "", httpx.ErrNotObject},
		"only spaces":                            {" \n", "", httpx.ErrNotObject},
		"the body is null":                       {`null`, "", httpx.ErrNotObject},
		"the body is an array":                   {`[{"u":"A"}]`, "", httpx.ErrNotObject},
		"the body is a string":                   {`"u"`, "", httpx.ErrNotObject},
		"trailing data":                          {`{"u":"A"}x`, "", httpx.ErrNotObject},
		"a second object":                        {`{"u":"A"}{"u":"A"}`, "", httpx.ErrNotObject},
		"a trailing comma":                       {`{"u":"A",}`, "", httpx.ErrNotObject},
		"cut short":                              {`{"u":"A"`, "", httpx.ErrNotObject},
		"single quotes":                          {`{'u':'A'}`, "", httpx.ErrNotObject},
		"a comment":                              {`{"u":"A"/**/}`, "", httpx.ErrNotObject},
		"a byte order mark":                      {"\ufeff" + `{"u":"A"}`, "", httpx.ErrNotObject},
		"bytes that are not UTF-8 in the member": {"{\"u\":\"A\xff\"}", "", httpx.ErrNotObject},
		"bytes that are not UTF-8 elsewhere":     {"{\"u\":\"A\",\"x\":\"\xc3\x28\"}", "", httpx.ErrNotObject},
		"an encoded surrogate":                   {"{\"u\":\"A\",\"x\":\"\xed\xa0\x80\"}", "", httpx.ErrNotObject},
		"a raw control character":                {"{\"u\":\"A\x01\"}", "", httpx.ErrNotObject},
		"UTF-16":                                 {"{\x00\"\x00u\x00\"\x00:\x00\"\x00A\x00\"\x00}\x00", "", httpx.ErrNotObject},
		"a number that JSON does not know":       {`{"u":"A","x":NaN}`, "", httpx.ErrNotObject},
		"form encoding":                          {`u=A`, "", httpx.ErrNotObject},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := httpx.StringMember([]byte(c.body), "u", depth)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}

// The fuzzer compares with encoding/json wherever the two must agree.
func FuzzStringMember(f *testing.F) {
	for _, s := range []string{
		`{"u":"A"}`, ` { "x" : [1,{"y":"]"}] , "u" : "\u0041" } `, `{"u":"A","u":"B"}`, `{"U":"A"}`, `{}`, `[]`, `null`, ``, `{"u":"A"}x`,
		nested(3), `{"":""}`, `{"u":"\ud800"}`, "{\"u\":\"\xff\"}", `{"a":-1.5e+3,"u":"x"}`, `{"\\":"\"","u":"}"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := httpx.StringMember(body, "u", depth)
		var object map[string]json.RawMessage
		isObject := utf8.Valid(body) && json.Unmarshal(body, &object) == nil && object != nil
		switch {
		case err == nil:
			var want string
			if !isObject || json.Unmarshal(object["u"], &want) != nil || want != got {
				t.Errorf("got %q, encoding/json has %q", got, want)
			}
		case errors.Is(err, httpx.ErrNotString):
			if !isObject {
				t.Error("not an object, but the member was blamed")
			}
			var text *string
			if json.Unmarshal(object["u"], &text) == nil && text != nil && strings.Count(string(body), `u`) == 1 {
				t.Errorf("member is the string %q, but was refused", *text)
			}
		case isObject && len(object) == strings.Count(string(body), `:`) && strings.Count(string(body), "[")+strings.Count(string(body), "{") < depth:
			t.Error("an object with distinct names and little nesting was refused")
		}
	})
}
