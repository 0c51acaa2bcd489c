package httpx_test

import (
	"encoding/json"
	"errors"
	"reflect"
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

// some is what TestMembers decodes.
type some struct {
	Text   string
	Number *float64
	List   []string
}

func (s *some) decode(object []byte) error {
	return httpx.Members(object, map[string]any{"text": &s.Text, "number": &s.Number, "list": &s.List})
}

func TestMembers(t *testing.T) {
	one := 1.5
	for name, c := range map[string]struct {
		object string
		want   some
		ok     bool
		err    error // the one that it must be, nil for any
	}{
		"all of them":                    {`{"text":"a","number":1.5,"list":["x"]}`, some{"a", &one, []string{"x"}}, true, nil},
		"none of them":                   {`{}`, some{}, true, nil},
		"spaces and other members":       {" { \"x\":[{\"text\":1}] , \"text\" : \"a\" } ", some{Text: "a"}, true, nil},
		"escapes in the name":            {`{"te\u0078t":"a"}`, some{Text: "a"}, true, nil},
		"null":                           {`{"text":null,"number":null,"list":null}`, some{}, true, nil},
		"another letter case":            {`{"Text":"a","NUMBER":1.5,"List":["x"]}`, some{}, true, nil},
		"another letter case, wrong":     {`{"Text":1,"text":"a"}`, some{Text: "a"}, true, nil},
		"another member repeated":        {`{"x":1,"x":2,"text":"a"}`, some{Text: "a"}, true, nil},
		"a member repeated":              {`{"text":"a","text":"a"}`, some{}, false, httpx.ErrRepeated},
		"a member repeated with escapes": {`{"text":"a","te\u0078t":"b"}`, some{}, false, httpx.ErrRepeated},
		"a null repeated":                {`{"number":null,"number":1}`, some{}, false, httpx.ErrRepeated},
		"a number in quotes":             {`{"number":"1.5"}`, some{}, false, nil},
		"a number that is too large":     {`{"number":1e999}`, some{}, false, nil},
		"a text that is a number":        {`{"text":1}`, some{}, false, nil},
		"a list that is a text":          {`{"list":"x"}`, some{}, false, nil},
		"no bytes":                       {``, some{}, false, httpx.ErrNotObject},
		"null itself":                    {`null`, some{}, false, httpx.ErrNotObject},
		"a list":                         {`[{"text":"a"}]`, some{}, false, httpx.ErrNotObject},
		"trailing data":                  {`{"text":"a"}x`, some{}, false, httpx.ErrNotObject},
		"bytes that are not UTF-8":       {"{\"text\":\"\xff\"}", some{}, false, httpx.ErrNotObject},
		"nested without end":             {nested(30000), some{}, false, httpx.ErrNotObject},
	} {
		t.Run(name, func(t *testing.T) {
			var got some
			err := got.decode([]byte(c.object))
			if (err == nil) != c.ok || c.err != nil && !errors.Is(err, c.err) {
				t.Fatalf("the error is %v", err)
			}
			if err == nil && !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// The fuzzer compares with encoding/json, which reads members of exact names alike when they go into a map.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{"text":"a","number":1.5,"list":["x"]}`, `{"Text":"a"}`, `{"text":1}`, `{"number":"1"}`, `{"list":[null]}`, `{}`, `null`, `{"text":"a","text":"b"}`, `{"te\u0078t":"a"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		var got some
		err := got.decode(object)
		var members map[string]json.RawMessage
		if utf8.Valid(object) && json.Unmarshal(object, &members) == nil && members != nil {
			if errors.Is(err, httpx.ErrNotObject) {
				t.Fatal("it is an object")
			}
		} else if err == nil {
			t.Fatal("it is no object")
		}
		if err != nil {
			return
		}
		var want some
		for name, pointer := range map[string]any{"text": &want.Text, "number": &want.Number, "list": &want.List} {
			if raw, ok := members[name]; ok && json.Unmarshal(raw, pointer) != nil {
				t.Fatalf("%s is accepted", raw)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, encoding/json has %+v", got, want)
		}
	})
}
