package delivery

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// sign writes the headers of Standard Webhooks: a signature by each key, so that a receiver can change keys, or from one algorithm to the
// other, without a gap.
func sign(h http.Header, keys []serving.WebhookKey, id string, at time.Time, body []byte) {
	seconds := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(keys))
	for i, key := range keys {
		signatures[i] = key.Signature(id, seconds, body)
	}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", seconds)
	h.Set("webhook-signature", strings.Join(signatures, " "))
}
