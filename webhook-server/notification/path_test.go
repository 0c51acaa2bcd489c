package notification_test

import (
	"net/url"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
)

func TestParsePath(t *testing.T) {
	const g, m, k = "MGW_000001", "40010000001", "tok_1"
	for name, c := range map[string]struct {
		escaped string
		want    notification.Path
		ok      bool
	}{
		"the base request":                         {fixture.NotifyPath, notification.Path{GatewayID: g, MerchantID: m, TokenID: k}, true},
		"encoded letters":                          {"/merchant%2Dgateways/MGW%5F000001/merchants/40010000001/tokens/tok%5f1/notify%2Dupdate", notification.Path{GatewayID: g, MerchantID: m, TokenID: k}, true},
		"an encoded slash stays in its field":      {"/merchant-gateways/MGW_000001/merchants/40010000001/tokens/a%2Fb/notify-update", notification.Path{GatewayID: g, MerchantID: m, TokenID: "a/b"}, true},
		"empty fields":                             {"/merchant-gateways//merchants//tokens//notify-update", notification.Path{}, true},
		"dot segments are fields":                  {"/merchant-gateways/MGW_000001/merchants/../tokens/./notify-update", notification.Path{GatewayID: g, MerchantID: "..", TokenID: "."}, true},
		"a trailing slash":                         {fixture.NotifyPath + "/", notification.Path{}, false},
		"a double slash in front":                  {"/" + fixture.NotifyPath, notification.Path{}, false},
		"another letter case":                      {"/Merchant-Gateways/MGW_000001/merchants/40010000001/tokens/tok_1/notify-update", notification.Path{}, false},
		"a slash in the token that is not encoded": {"/merchant-gateways/MGW_000001/merchants/40010000001/tokens/a/b/notify-update", notification.Path{}, false},
		"encoded slashes between the segments":     {"/merchant-gateways%2FMGW_000001/merchants/40010000001/tokens/tok_1/notify-update", notification.Path{}, false},
		"another last segment":                     {"/merchant-gateways/MGW_000001/merchants/40010000001/tokens/tok_1/notify", notification.Path{}, false},
		"a path before it":                         {"/x" + fixture.NotifyPath, notification.Path{}, false},
		"the root":                                 {"/", notification.Path{}, false},
		"a broken escape":                          {"/merchant-gateways/MGW_000001/merchants/40010000001/tokens/%zz/notify-update", notification.Path{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := notification.ParsePath(c.escaped); ok != c.ok || got != c.want {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add("MGW_000001", "40010000001", "tok_1", fixture.NotifyPath)
	f.Add("", "..", "a/b", "//")
	f.Add("%2F", "\x00", "ä", "/merchant-gateways/%")
	f.Fuzz(func(t *testing.T, gateway, merchant, token, path string) {
		_, _ = notification.ParsePath(path)
		escaped := "/merchant-gateways/" + url.PathEscape(gateway) + "/merchants/" + url.PathEscape(merchant) + "/tokens/" + url.PathEscape(token) + "/notify-update"
		got, ok := notification.ParsePath(escaped)
		if want := (notification.Path{GatewayID: gateway, MerchantID: merchant, TokenID: token}); !ok || got != want {
			t.Errorf("%q gives %+v, %v; want %+v", escaped, got, ok, want)
		}
	})
}
