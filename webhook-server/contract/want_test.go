package contract_test

import (
	"net/http"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// want is one of the contract's answers, as far as it is particular to a row; what holds for all answers package running checks.
type want struct {
	status    int
	body      string
	challenge string
	issued    bool
}

// The answers, by the names that the contract gives them.
var (
	wantOK = want{status: http.StatusOK, issued: true}
	wantIC = want{status: http.StatusUnauthorized, body: `{"error":"invalid_client"}`, challenge: `Basic realm="d1", charset="UTF-8"`}
	wantA  = want{status: http.StatusNoContent}
	wantS  = want{status: http.StatusServiceUnavailable}

	wantNoToken      = want{status: http.StatusUnauthorized, challenge: `Bearer realm="d1"`}
	wantInvalidToken = want{status: http.StatusUnauthorized, challenge: `Bearer realm="d1", error="invalid_token"`}

	wantUnknownGateway  = want{status: http.StatusNotFound, body: `{"errorCode":"UNKNOWN_MERCHANT","error":"merchantGatewayId"}`}
	wantUnknownMerchant = want{status: http.StatusNotFound, body: `{"errorCode":"UNKNOWN_MERCHANT","error":"merchantId"}`}
	wantUnknownToken    = want{status: http.StatusNotFound, body: `{"errorCode":"UNKNOWN_TOKEN","error":"tokenId"}`}
	wantMerchantError   = want{status: http.StatusInternalServerError, body: `{"errorCode":"MERCHANT_ERROR"}`}

	wantNotAllowed = want{status: http.StatusMethodNotAllowed}
	wantNotFound   = want{status: http.StatusNotFound}
)

// wantBR is BR(x).
func wantBR(code string) want {
	return want{status: http.StatusBadRequest, body: `{"error":"` + code + `","errorCode":"FIELD_INVALID_FORMAT"}`}
}

// wantF is F(f).
func wantF(field string) want {
	return want{status: http.StatusBadRequest, body: `{"errorCode":"FIELD_INVALID_FORMAT","error":"` + field + `"}`}
}

func (w want) check(t *testing.T, a running.Answer) {
	t.Helper()
	if a.Status != w.status || a.Header.Get("WWW-Authenticate") != w.challenge || !w.issued && a.Body != w.body {
		t.Errorf("answer %s, want %d %s %s", a, w.status, w.challenge, w.body)
	}
	if w.issued && a.Token() == "" {
		t.Error("the answer holds no token")
	}
}
