#!/usr/bin/env node
import { serve } from './cli/serve.ts';

process.exitCode = await serve({ http: true, workers: !process.argv.includes('--no-workers') });
