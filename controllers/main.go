// Command controllers is the operator: it turns MerchantGateways and OAuthClients into serving documents for the webhook-server. With the
// argument render it does so for files, without a cluster.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/controllers/operator"
	"github.com/d1gateway/d1gateway/controllers/render"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

const exitUsage = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run answers the exit status: 0 when it was asked to stop, 1 when it failed, 2 for a wrong command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "render" {
		return render.Run(args[1:], stdout, stderr, time.Now())
	}
	o, err := parseOptions(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "controllers:", oneLine(err))
		return exitUsage
	}
	config, err := loadConfig(o.kubeconfig)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "controllers:", oneLine(err))
		return exitUsage
	}
	logger := slog.New(serving.MaskingHandler(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: o.logLevel})))
	ctrl.SetLogger(logr.FromSlogHandler(logger.Handler()))
	klog.SetSlogLogger(logger)
	if err := operate(ctx, config, o, logger); err != nil {
		logger.Error("The operator ended", "error", err)
		return 1
	}
	logger.Info("The operator was asked to stop and has stopped")
	return 0
}

func operate(ctx context.Context, config *rest.Config, o options, logger *slog.Logger) error {
	m, err := operator.New(ctx, config, operator.Options{
		SystemNamespace:        o.systemNamespace,
		ExternalURL:            o.externalURL,
		WatchNamespaces:        o.watchNamespaces,
		MetricsBindAddress:     o.metricsBindAddress,
		HealthProbeBindAddress: o.healthProbeBindAddress,
		LeaderElection:         o.leaderElect,
		Logger:                 logger,
		Registerer:             metrics.Registry,
		Now:                    time.Now,
		Generate:               translate.NewGenerator(),
	})
	if err != nil {
		return err
	}
	logger.Info("Starting the operator", "systemNamespace", o.systemNamespace, "externalURL", o.externalURL, "leaderElection", o.leaderElect)
	if err := m.Start(ctx); err != nil {
		return fmt.Errorf("running the operator: %w", err)
	}
	return nil
}

// loadConfig finds the API server: by the file that was named, else by $KUBECONFIG, else as a Pod does.
func loadConfig(kubeconfig string) (*rest.Config, error) {
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}
	if kubeconfig == "" {
		paths := os.Getenv(clientcmd.RecommendedConfigPathEnvVar)
		if paths == "" {
			config, err := rest.InClusterConfig()
			if err != nil {
				return nil, fmt.Errorf("neither --kubeconfig nor $KUBECONFIG names a file, and this is not a Pod: %w", err)
			}
			return config, nil
		}
		rules.Precedence = strings.Split(paths, string(os.PathListSeparator))
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return config, nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
