package notification_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

type nowhere struct{}

func (nowhere) Append(_ context.Context, n store.Notification) (string, error) { return n.ID, nil }
func (nowhere) Answered(notification.Outcome, *serving.Gateway, time.Duration) {}
func (nowhere) UndocumentedUpdateType(*serving.Gateway)                        {}

// BenchmarkNotify is everything that a notification costs but the store and the log.
func BenchmarkNotify(b *testing.B) {
	w := fixture.New(b)
	header := http.Header{"Authorization": {"Bearer " + w.AccessToken(time.Now())}, "X-Correlation-Id": {"c-1"}, "Content-Type": {"application/json"}}
	h := notification.NewHandler(notification.Options{
		Snapshot: w.State.Snapshot, Ready: w.State.Synced, Verify: newVerify(), Store: nowhere{}, Wake: func(string) {}, Now: time.Now,
		Logger: slog.New(slog.DiscardHandler), Observer: nowhere{}, Timeout: 10 * time.Second, RetryAfter: time.Second,
	})
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, fixture.NotifyPath, strings.NewReader(n0Body))
		r.Header = header
		out := httptest.NewRecorder()
		h.ServeHTTP(out, r)
		if out.Code != http.StatusNoContent {
			b.Fatalf("answered %d %s", out.Code, out.Body)
		}
	}
}
