package outbound

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheLastProxysWordCounts(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   string
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"squid"}, ""},
		{[]string{"squid; error=dns_error"}, "dns_error"},
		{[]string{"origin-side;error=connection_refused, squid"}, ""},
		{[]string{"origin-side;error=connection_refused", "squid;error=dns_timeout"}, "dns_timeout"},
		{[]string{`squid;received-status=502;error=connection_timeout;details="no answer"`}, "connection_timeout"},
		{[]string{"squid;error=something_new"}, ""},
		{[]string{"squid;error="}, ""},
		{[]string{"squid;xerror=dns_error"}, ""},
	} {
		if got := proxyStatus(http.Header{"Proxy-Status": c.values}); got != c.want {
			t.Errorf("%q: %q, want %q", c.values, got, c.want)
		}
	}
}

func FuzzRefusal(f *testing.F) {
	f.Add(502, "squid;error=connection_refused")
	f.Add(403, ",;,;=")
	f.Add(200, `a;error="dns_error"`)
	f.Fuzz(func(t *testing.T, status int, value string) {
		err := refusal(&http.Response{StatusCode: status, Header: http.Header{"Proxy-Status": {value}}})
		fault, detail := FaultOf(err), Detail(err)
		if fault == "" {
			t.Errorf("no fault: %v", err)
		}
		if _, said, found := strings.Cut(detail, ", "); found {
			if _, registered := proxyErrors[said]; !registered {
				t.Errorf("the detail repeats what is not registered: %q", detail)
			}
		}
	})
}
