package docs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// TestTheDeliveryShownIsTheOneThatIsSent makes the server send the notification of docs/delivery.md, signed with the secret of that page, and
// compares every header and the body.
func TestTheDeliveryShownIsTheOneThatIsSent(t *testing.T) {
	p := readPage(t, filepath.Join(repository, "docs/delivery.md"))
	shown, shownBody := shownDelivery(t, p)
	var data struct{ MerchantGatewayID, MerchantID, TokenID, UpdateType, CorrelationID, ReceivedAt string }
	if err := json.Unmarshal(shownBody, &data); err != nil {
		t.Fatal(err)
	}
	receivedAt, err := time.Parse(time.RFC3339Nano, data.ReceivedAt)
	if err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseInt(shown.Header.Get("Webhook-Timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}

	sent := make(chan *http.Request, 1)
	sentBody := make(chan []byte, 1)
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		sent <- r
		sentBody <- body
	}))
	defer backend.Close()
	transports := outbound.NewTransports(outbound.Options{Guard: outbound.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	defer transports.Close()
	sender := delivery.NewSender(transports, func() time.Time { return time.Unix(seconds, 0) })
	verdict := sender.Attempt(t.Context(), store.Notification{
		ID: shown.Header.Get("Webhook-Id"), GatewayID: data.MerchantGatewayID, MerchantID: data.MerchantID, TokenID: data.TokenID,
		UpdateType: data.UpdateType, CorrelationID: data.CorrelationID, ReceivedAt: receivedAt,
	}, "payments/acme", &serving.Destination{
		Destination: &api.Destination{URL: backend.URL + shown.URL.Path, TimeoutSeconds: 10},
		Endpoint:    &serving.Endpoint{},
		SigningKeys: []serving.WebhookKey{shownKey(t, p)},
	})
	if verdict.Reason != delivery.Delivered {
		t.Fatalf("verdict %+v", verdict)
	}

	got, gotBody := <-sent, <-sentBody
	if !bytes.Equal(gotBody, shownBody) {
		t.Errorf("sent %s, the page shows %s", gotBody, shownBody)
	}
	if got.Method != shown.Method || got.URL.Path != shown.URL.Path {
		t.Errorf("sent %s %s, the page shows %s %s", got.Method, got.URL, shown.Method, shown.URL)
	}
	for name := range shown.Header {
		if got.Header.Get(name) != shown.Header.Get(name) {
			t.Errorf("sent %s: %q, the page shows %q", name, got.Header.Get(name), shown.Header.Get(name))
		}
	}
	for name := range got.Header {
		if shown.Header.Get(name) == "" {
			t.Errorf("sent %s, which the page does not show", name)
		}
	}
}

// shownDelivery answers the request of the page's http block.
func shownDelivery(t *testing.T, p page) (*http.Request, []byte) {
	t.Helper()
	for _, s := range p.sections {
		for _, b := range s.blocks {
			if b.language != "http" {
				continue
			}
			head, body, _ := strings.Cut(strings.TrimSuffix(b.body, "\n"), "\n\n")
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)))
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(body)) != r.ContentLength {
				t.Errorf("the body shown has %d bytes, its Content-Length is %d", len(body), r.ContentLength)
			}
			return r, []byte(body)
		}
	}
	t.Fatal("the page shows no delivery")
	return nil, nil
}

var assignedSecret = regexp.MustCompile(`(?m)^secret='whsec_([^']+)'$`)

// shownKey answers the key of the secret in the page's openssl example.
func shownKey(t *testing.T, p page) serving.WebhookKey {
	t.Helper()
	for _, s := range p.sections {
		for _, b := range s.blocks {
			m := assignedSecret.FindStringSubmatch(b.body)
			if m == nil {
				continue
			}
			key, err := serving.ParseWebhookKey(api.NewSecret("whsec_" + m[1]))
			if err != nil {
				t.Fatal(err)
			}
			return key
		}
	}
	t.Fatal("the page shows no secret")
	return serving.WebhookKey{}
}

func TestEveryReasonOfAnAttemptHasARowAndNoOther(t *testing.T) {
	p := readPage(t, filepath.Join(repository, "docs/delivery.md"))
	explained := map[string]bool{}
	for _, s := range p.sections {
		if s.heading != "Reasons, and what to do" {
			continue
		}
		for line := range strings.Lines(s.text) {
			first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
			if strings.HasPrefix(line, "| `") {
				for name := range strings.SplitSeq(first, ", ") {
					explained[strings.Trim(name, "`")] = true
				}
			}
		}
	}
	for _, reason := range delivery.Reasons() {
		if !explained[string(reason)] {
			t.Errorf("there is no row for %s", reason)
		}
		delete(explained, string(reason))
	}
	for name := range explained {
		t.Errorf("there is a row for %s, which is no reason", name)
	}
}
