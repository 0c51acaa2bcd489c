package main

import (
	"maps"
	"testing"
)

const requestMetrics = `# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="d1gateway.io",resource="oauthclients",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 7
apiserver_request_total{code="409",component="apiserver",dry_run="",group="d1gateway.io",resource="oauthclients",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 2
apiserver_request_total{code="404",component="apiserver",dry_run="",group="",resource="secrets",scope="resource",subresource="",verb="GET",version="v1"} 20000
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="secrets",scope="resource",subresource="",verb="APPLY",version="v1"} 1.2e+06
apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="secrets",scope="resource",subresource="",verb="POST",version="v1"} 4
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="secrets",scope="resource",subresource="",verb="POST",version="v1"} 1
apiserver_request_total{code="200",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 5
apiserver_request_terminations_total{code="504",component="apiserver",resource="secrets",verb="GET"} 3
`

func TestRequestsAreCountedByKind(t *testing.T) {
	all, err := parseRequests([]byte(requestMetrics))
	if err != nil {
		t.Fatal(err)
	}
	want := counts{
		"PATCH oauthclients/status": 7, "PATCH oauthclients/status 409": 2, "GET secrets 404": 20000,
		"APPLY secrets": 1200000, "POST secrets": 5, "PUT leases": 5,
	}
	if !maps.Equal(all, want) {
		t.Errorf("got %v, want %v", all, want)
	}
	if writes, want := all.writes(), (counts{"PATCH oauthclients/status": 7, "APPLY secrets": 1200000, "POST secrets": 5}); !maps.Equal(writes, want) {
		t.Errorf("writes are %v, want %v", writes, want)
	}
	if n := all.refused(); n != 2 {
		t.Errorf("%d are refused, want 2", n)
	}
	before := counts{"POST secrets": 4, "PUT leases": 5}
	if added, want := (counts{"POST secrets": 5, "PUT leases": 5, "GET secrets": 1}).since(before), (counts{"POST secrets": 1, "GET secrets": 1}); !maps.Equal(added, want) {
		t.Errorf("added are %v, want %v", added, want)
	}
}

func TestTheKindOfARequest(t *testing.T) {
	for want, one := range map[string]request{
		"GET secrets":               {method: "GET", path: "/api/v1/namespaces/shop-1/secrets/a"},
		"LIST secrets":              {method: "GET", path: "/api/v1/namespaces/shop-1/secrets"},
		"LIST oauthclients":         {method: "GET", path: "/apis/d1gateway.io/v1alpha1/oauthclients"},
		"GET /api":                  {method: "GET", path: "/api"},
		"GET /apis/d1gateway.io/v1": {method: "GET", path: "/apis/d1gateway.io/v1"},
		"POST events":               {method: "POST", path: "/apis/events.k8s.io/v1/namespaces/shop-1/events"},
		"APPLY secrets":             {method: "PATCH", path: "/api/v1/namespaces/d1gateway-system/secrets/a", contentType: applyType},
		"PATCH oauthclients/status": {method: "PATCH", path: "/apis/d1gateway.io/v1alpha1/namespaces/shop-1/oauthclients/a/status", contentType: "application/merge-patch+json"},
	} {
		if got := one.kind(); got != want {
			t.Errorf("%s %s is %q, want %q", one.method, one.path, got, want)
		}
	}
}

func TestOnlyWhatChangedSomethingIsReplayed(t *testing.T) {
	for name, test := range map[string]struct {
		one  request
		want bool
	}{
		"a write":           {request{method: "POST", path: "/api/v1/namespaces/a/secrets", status: 201}, true},
		"a read":            {request{method: "GET", path: "/api/v1/namespaces/a/secrets/b", status: 200}, false},
		"a refused write":   {request{method: "PATCH", path: "/api/v1/namespaces/a/secrets/b", status: 409}, false},
		"a Lease":           {request{method: "PUT", path: "/apis/coordination.k8s.io/v1/namespaces/a/leases/b", status: 200}, false},
		"a write cut short": {request{method: "POST", path: "/api/v1/namespaces/a/secrets"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.one.wrote(); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestTheMajority(t *testing.T) {
	usual, unusual := counts{"POST secrets": 1}, counts{"POST secrets": 2}
	for name, test := range map[string]struct {
		all  []counts
		want counts
	}{
		"all the same":      {[]counts{usual, usual, usual}, usual},
		"one differs":       {[]counts{unusual, usual, usual}, usual},
		"half and half":     {[]counts{unusual, usual}, nil},
		"nothing was added": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := majority(test.all)
			if !maps.Equal(got, test.want) || ok != (test.want != nil) {
				t.Errorf("got %v, %v", got, ok)
			}
		})
	}
}
