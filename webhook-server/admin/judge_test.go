package admin_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// judge is a transport that holds every request and every answer against the OpenAPI document. What the document refuses the server must refuse;
// and every answer must be documented, whatever the request was.
type judge struct {
	t      *testing.T
	router routers.Router
	next   http.RoundTripper
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &judge{t, router, http.DefaultTransport}
}

func (j *judge) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := []byte(nil)
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	response, err := j.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(answer))
	if problem := j.faults(r, sent, response, answer); problem != nil {
		j.t.Errorf("%s %s %s\nanswered %d %s\n%v", r.Method, r.URL, sent, response.StatusCode, answer, problem)
	}
	return response, nil
}

func (j *judge) faults(r *http.Request, sent []byte, response *http.Response, answer []byte) error {
	asked := r.Clone(r.Context())
	asked.URL.Scheme, asked.URL.Host, asked.Host = "", "", ""
	asked.Body = io.NopCloser(bytes.NewReader(sent))
	asked.ContentLength = int64(len(sent))
	if len(sent) == 0 {
		asked.Body = nil
	}
	route, path, err := j.router.FindRoute(asked)
	if err != nil || strings.HasSuffix(asked.URL.Path, "/") { // which the router takes for the path without it
		if response.StatusCode == http.StatusOK {
			return fmt.Errorf("an answer at an undocumented path: %w", err)
		}
		return nil
	}
	in := &openapi3filter.RequestValidationInput{
		Request: asked, PathParams: path, Route: route, QueryParams: asked.URL.Query(),
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true, RejectWhenRequestBodyNotSpecified: true,
		},
	}
	refused := openapi3filter.ValidateRequest(r.Context(), in)
	for name, values := range asked.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil || len(values) != 1 {
			refused = fmt.Errorf("parameter %s is undocumented or repeated", name)
		}
	}
	if refused != nil && response.StatusCode < 400 {
		return fmt.Errorf("the document refuses what the server took: %w", refused)
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: response.StatusCode, Header: response.Header, Body: io.NopCloser(bytes.NewReader(answer)), Options: in.Options,
	})
}
