package httpx_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// readBody serves one request, given as it stands on the wire, and answers what ReadBody made of it. With stay the client keeps its side
// open after the text.
func readBody(t *testing.T, wire string, stay bool, timeout time.Duration) ([]byte, error) {
	t.Helper()
	type result struct {
		body []byte
		err  error
	}
	results := make(chan result, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := httpx.ReadBody(w, r, 16, timeout)
		results <- result{body, err}
	}))
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, wire); err != nil {
		t.Fatal(err)
	}
	if !stay {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	got := <-results
	return got.body, got.err
}

func TestReadBody(t *testing.T) {
	const chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	sized := func(length, body string) string {
		return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + length + "\r\n\r\n" + body
	}
	for name, c := range map[string]struct {
		wire, want string
		stay       bool
		err        error // errAny for an error without a name
	}{
		"no body":                      {"POST / HTTP/1.1\r\nHost: h\r\n\r\n", "", true, nil},
		"an empty body":                {sized("0", ""), "", true, nil},
		"a short body":                 {sized("3", "abc"), "abc", true, nil},
		"exactly the limit":            {sized("16", "0123456789abcdef"), "0123456789abcdef", true, nil},
		"one byte more than the limit": {sized("17", "0123456789abcdefg"), "", true, httpx.ErrBodyTooLarge},
		"chunked":                      {chunked + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc", true, nil},
		"chunked and empty":            {chunked + "0\r\n\r\n", "", true, nil},
		"chunked, exactly the limit":   {chunked + "10\r\n0123456789abcdef\r\n0\r\n\r\n", "0123456789abcdef", true, nil},
		"chunked, one byte more":       {chunked + "11\r\n0123456789abcdefg\r\n0\r\n\r\n", "", true, httpx.ErrBodyTooLarge},
		"cut short":                    {sized("5", "abc"), "", false, io.ErrUnexpectedEOF},
		"chunked and cut short":        {chunked + "5\r\nabc", "", false, io.ErrUnexpectedEOF},
		"a chunk without a size":       {chunked + "zz\r\nabc\r\n0\r\n\r\n", "", true, errAny},
		"too slow":                     {sized("5", "abc"), "", true, httpx.ErrBodyTimeout},
		"chunked and too slow":         {chunked + "3\r\nabc\r\n", "", true, httpx.ErrBodyTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := 10 * time.Second
			if errors.Is(c.err, httpx.ErrBodyTimeout) {
				timeout = time.Millisecond
			}
			body, err := readBody(t, c.wire, c.stay, timeout)
			if string(body) != c.want && c.err == nil {
				t.Errorf("read %q, want %q", body, c.want)
			}
			switch {
			case errors.Is(c.err, errAny):
				if err == nil || errors.Is(err, httpx.ErrBodyTooLarge) || errors.Is(err, httpx.ErrBodyTimeout) {
					t.Errorf("got %v", err)
				}
			case !errors.Is(err, c.err):
				t.Errorf("got %v, want %v", err, c.err)
			}
		})
	}
}

var errAny = errors.New("any")

// The deadline of the body must not end the request's context while it is being served.
func TestADeadlineForTheBodyDoesNotOutliveIt(t *testing.T) {
	const timeout = 20 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := httpx.ReadBody(w, r, 16, timeout); err != nil {
			t.Error(err)
		}
		select {
		case <-r.Context().Done():
			t.Error("the request was cancelled by the deadline of its body")
		case <-time.After(5 * timeout):
		}
	}))
	defer server.Close()
	answer, err := server.Client().Post(server.URL, "text/plain", strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}

func TestAnswersOnTheWire(t *testing.T) {
	for name, c := range map[string]struct {
		write   func(http.ResponseWriter)
		want    []string
		without []string
	}{
		"204 has neither Content-Type nor Content-Length": {
			func(w http.ResponseWriter) { httpx.WriteEmpty(w, http.StatusNoContent) },
			[]string{"HTTP/1.1 204 No Content"}, []string{"Content-Type", "Content-Length", "Transfer-Encoding", "Server"},
		},
		"an empty 404 has no Content-Type": {
			func(w http.ResponseWriter) { httpx.WriteEmpty(w, http.StatusNotFound) },
			[]string{"HTTP/1.1 404 Not Found", "Content-Length: 0"}, []string{"Content-Type", "Server"},
		},
		"JSON": {
			func(w http.ResponseWriter) {
				httpx.NoStore(w.Header())
				httpx.WriteJSON(w, http.StatusBadRequest, []byte(`{}`))
			},
			[]string{"HTTP/1.1 400 Bad Request", "Content-Type: application/json\r\n", "Content-Length: 2", "Cache-Control: no-store", "Pragma: no-cache", "\r\n\r\n{}"}, []string{"Server"},
		},
		"503 rounds Retry-After up": {
			func(w http.ResponseWriter) { httpx.Unavailable(w, 1500*time.Millisecond) },
			[]string{"HTTP/1.1 503 Service Unavailable", "Retry-After: 2\r\n", "Content-Length: 0"}, []string{"Content-Type", "Server"},
		},
		"503 asks for at least a second": {
			func(w http.ResponseWriter) { httpx.Unavailable(w, 0) },
			[]string{"Retry-After: 1\r\n"}, nil,
		},
		"405 names what is allowed": {
			func(w http.ResponseWriter) { httpx.MethodNotAllowed(w, "POST") },
			[]string{"HTTP/1.1 405 Method Not Allowed", "Allow: POST\r\n", "Content-Length: 0"}, []string{"Content-Type"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.write(w) }))
			defer server.Close()
			got := exchange(t, server.Listener.Addr().String(), "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			for _, unwanted := range c.without {
				if strings.Contains(got, unwanted) {
					t.Errorf("%q in\n%s", unwanted, got)
				}
			}
		})
	}
}

// exchange writes bytes to a server that closes the connection after its answer, and answers everything it sent.
func exchange(t *testing.T, address, wire string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, wire); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestPanicAttrTellsNoValue(t *testing.T) {
	if got := httpx.PanicAttr("a secret").Value.String(); strings.Contains(got, "secret") {
		t.Errorf("it tells %q", got)
	}
	defer func() {
		if got := httpx.PanicAttr(recover()).Value.String(); !strings.Contains(got, "out of range") {
			t.Errorf("a run-time error became %q", got)
		}
	}()
	none := make([]int, 0)
	t.Log(none[len(t.Name()):][0])
}
