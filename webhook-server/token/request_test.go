package token_test

import (
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/token"
)

func TestCheckRequest(t *testing.T) {
	for name, c := range map[string]struct{ body, scope, problem string }{
		"the base request":                  {"grant_type=client_credentials", "", ""},
		"with a scope":                      {"grant_type=client_credentials&scope=d1%3Anotify", "d1:notify", ""},
		"a scope without a value":           {"grant_type=client_credentials&scope=", "", ""},
		"unknown parameters":                {"x=1&grant_type=client_credentials&x=2&resource=r", "", ""},
		"other grant_type":                  {"grant_type=authorization_code", "", "unsupported_grant_type"},
		"grant_type in another letter case": {"grant_type=Client_Credentials", "", "unsupported_grant_type"},
		"grant_type missing":                {"scope=d1%3Anotify", "", "invalid_request"},
		"grant_type without a value":        {"grant_type=", "", "invalid_request"},
		"grant_type repeated":               {"grant_type=client_credentials&grant_type=client_credentials", "", "invalid_request"},
		"grant_type repeated with another":  {"grant_type=client_credentials&grant_type=password", "", "invalid_request"},
		"the name in another letter case":   {"Grant_Type=client_credentials", "", "invalid_request"},
		"scope repeated":                    {"grant_type=client_credentials&scope=a&scope=b", "", "invalid_request"},
		"empty body":                        {"", "", "invalid_request"},
		"JSON":                              {`{"grant_type":"client_credentials"}`, "", "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			form, err := httpx.DecodeForm(c.body)
			if err != nil {
				t.Fatal(err)
			}
			if scope, problem := token.CheckRequest(form); scope != c.scope || problem != c.problem {
				t.Errorf("got scope %q, problem %q", scope, problem)
			}
		})
	}
}

func TestGrantScope(t *testing.T) {
	allowed := []string{"d1:notify", "d1:read"}
	for name, c := range map[string]struct{ asked, granted, problem string }{
		"no scope grants all":           {"", "d1:notify d1:read", ""},
		"one allowed":                   {"d1:read", "d1:read", ""},
		"all, in the order asked":       {"d1:read d1:notify", "d1:read d1:notify", ""},
		"one repeated":                  {strings.Repeat(" d1:read", 2)[1:], "d1:read", ""},
		"one that is not allowed":       {"d1:admin", "", "invalid_scope"},
		"one allowed and one not":       {"d1:notify d1:admin", "", "invalid_scope"},
		"another letter case":           {"D1:NOTIFY", "", "invalid_scope"},
		"two spaces":                    {"d1:notify  d1:read", "", "invalid_scope"},
		"a space at the end":            {"d1:notify ", "", "invalid_scope"},
		"only a space":                  {" ", "", "invalid_scope"},
		"a tab between":                 {"d1:notify\td1:read", "", "invalid_scope"},
		"a character that no scope has": {`d1:"notify"`, "", "invalid_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			if granted, problem := token.GrantScope(c.asked, allowed); granted != c.granted || problem != c.problem {
				t.Errorf("got %q, %q; want %q, %q", granted, problem, c.granted, c.problem)
			}
		})
	}
}

func FuzzCheckRequest(f *testing.F) {
	for _, s := range []string{"", "grant_type=client_credentials", "grant_type=client_credentials&scope=d1%3Anotify+d1%3Aread", "grant_type=a&grant_type=b", "client_secret=x&%"} {
		f.Add(s)
	}
	allowed := []string{"d1:notify", "d1:read"}
	f.Fuzz(func(t *testing.T, body string) {
		form, err := httpx.DecodeForm(body)
		if err != nil {
			return
		}
		scope, problem := token.CheckRequest(form)
		if problem != "" {
			return
		}
		if value, count := form.Get("grant_type"); value != "client_credentials" || count != 1 {
			t.Errorf("accepted with grant_type %q, %d times: %q", value, count, body)
		}
		granted, problem := token.GrantScope(scope, allowed)
		if problem != "" {
			return
		}
		for s := range strings.SplitSeq(granted, " ") {
			if s != "d1:notify" && s != "d1:read" {
				t.Errorf("granted %q", granted)
			}
		}
	})
}
