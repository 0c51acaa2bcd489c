package delivery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// eventTypePrefix and D1's updateType make a CloudEvent's type.
const eventTypePrefix = "io.d1gateway.notification."

// eventData is a CloudEvent's data. It repeats what the attributes say, because the signature covers only the body.
type eventData struct {
	MerchantGatewayID string `json:"merchantGatewayId"`
	MerchantID        string `json:"merchantId"`
	TokenID           string `json:"tokenId"`
	UpdateType        string `json:"updateType"`
	CorrelationID     string `json:"correlationId"`
	ReceivedAt        string `json:"receivedAt"`
}

// eventBody is the compact JSON that is signed and sent: the same bytes on each attempt.
func eventBody(n store.Notification) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(eventData{
		MerchantGatewayID: n.GatewayID,
		MerchantID:        n.MerchantID,
		TokenID:           n.TokenID,
		UpdateType:        n.UpdateType,
		CorrelationID:     n.CorrelationID,
		ReceivedAt:        timestamp(n.ReceivedAt),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding event data: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// setAttributes writes the CloudEvents attributes: HTTP protocol binding 1.0.2, section 3.1, binary content mode.
func setAttributes(h http.Header, n store.Notification) {
	h.Set("Content-Type", "application/json")
	for name, value := range map[string]string{
		"ce-specversion":   "1.0",
		"ce-id":            n.ID,
		"ce-source":        "/merchant-gateways/" + n.GatewayID,
		"ce-type":          eventTypePrefix + n.UpdateType,
		"ce-subject":       n.TokenID,
		"ce-time":          timestamp(n.ReceivedAt),
		"ce-gatewayid":     n.GatewayID,
		"ce-merchantid":    n.MerchantID,
		"ce-updatetype":    n.UpdateType,
		"ce-correlationid": n.CorrelationID,
	} {
		if value != "" { // an attribute without a value is left out: CloudEvents 1.0, section 3.1
			h.Set(name, headerValue(value))
		}
	}
}

// timestamp is RFC 3339 in UTC, to the millisecond as the store keeps it.
func timestamp(t time.Time) string {
	return t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
}

// headerValue percent-encodes what a CloudEvents attribute may not hold as it is: HTTP protocol binding, section 3.1.3.2.
func headerValue(value string) string {
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; c > ' ' && c < 0x7f && c != '"' && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
