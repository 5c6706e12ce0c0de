PACKAGES := dashboards metrics pipeline requirements_map simulator verify

.PHONY: typing
typing:
	@mkdir -p .typing/skyassay
	@for p in $(PACKAGES); do ln -sfn ../../$$p .typing/skyassay/$$p; done
